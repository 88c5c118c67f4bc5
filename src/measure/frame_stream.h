// Frames one after another, as the measurements want them: from files, or made from a seed.
#pragma once

#include <functional>
#include <vector>

#include "frames/frame.h"
#include "octet/runtime.h"

namespace octet {

struct FrameStream {
  std::function<bool(Frame&)> next;    // false at the end
  std::function<void()> rewind;        // the next frame is the first again
  int64_t count = 0;                   // how many there are; 0: not known (video, camera)
};

// The tensors of a frame in the order of the model's inputs.
std::vector<Tensor> tensors_of(const Frame& frame);

// `count` frames of random inputs, all different.
FrameStream random_stream(std::vector<TensorInfo> inputs, std::vector<Shape> shapes, int64_t count, uint64_t seed);

}  // namespace octet
