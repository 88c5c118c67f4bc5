// How fast a model is: from the start of a process to the steady state.
#pragma once

#include "measure/frame_stream.h"
#include "octet/toolkit.h"
#include "runtime/session.h"

namespace octet {

// `frames`: null without data. `options.executable` is ready to use; empty: no fresh processes. `path` is what they open.
// Times of the session's own init and first inference stand in where fresh processes are not wanted.
BenchResult bench_model(const std::string& path, const BenchOptions& options, FrameStream* frames);

}  // namespace octet
