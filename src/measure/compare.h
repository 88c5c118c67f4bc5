// Two models on the same frames, side by side.
#pragma once

#include "graph/graph.h"
#include "measure/frame_stream.h"
#include "octet/toolkit.h"
#include "tasks/task.h"

namespace octet {

// `task`: null when outputs are not decoded; `score`: the frames have labels. Memory does not grow with the number of frames.
// Throws Error when the models' inputs or outputs do not correspond.
CompareResult compare_models(Model a, Model b, const CompareOptions& options, FrameStream& frames, const Task* task, bool score);

}  // namespace octet
