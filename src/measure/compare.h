// Two models on the same frames, side by side.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "measure/frame_stream.h"
#include "octet/runtime.h"
#include "octet/toolkit.h"
#include "tasks/task.h"

namespace octet {

// One side: a model as read, or a Session on a pack, whose layers cannot be watched.
struct ComparedModel {
  Model model;
  std::unique_ptr<Session> session;   // of a pack

  static ComparedModel open(const std::string& path, const SessionOptions& options);
  const Model& facts() const;         // path and metadata
  std::vector<TensorInfo> inputs() const, outputs() const;
};

// `task`: null when outputs are not decoded; `score`: the frames have labels. Memory does not grow with the number of frames.
// Throws Error when the models' inputs or outputs do not correspond.
CompareResult compare_models(ComparedModel a, ComparedModel b, const CompareOptions& options, FrameStream& frames, const Task* task, bool score);

}  // namespace octet
