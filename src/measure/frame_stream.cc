#include "measure/frame_stream.h"

#include "base/text.h"
#include "octet/arrays.h"

namespace octet {

std::vector<Tensor> tensors_of(const Frame& frame) {
  std::vector<Tensor> tensors;
  tensors.reserve(frame.inputs.size());
  for (const NamedTensor& input : frame.inputs) tensors.push_back(input.tensor);
  return tensors;
}

FrameStream random_stream(std::vector<TensorInfo> inputs, std::vector<Shape> shapes, int64_t count, uint64_t seed) {
  auto at = std::make_shared<int64_t>(0);
  FrameStream stream;
  stream.count = count;
  stream.rewind = [at] { *at = 0; };
  stream.next = [=, inputs = std::move(inputs), shapes = std::move(shapes)](Frame& frame) {
    if (*at == count) return false;
    std::vector<Tensor> tensors = random_inputs(inputs, shapes, seed + static_cast<uint64_t>(*at));
    frame = Frame();
    frame.id = text("random#", *at);
    for (size_t i = 0; i < inputs.size(); ++i) frame.inputs.push_back({inputs[i].name, std::move(tensors[i])});
    ++*at;
    return true;
  };
  return stream;
}

}  // namespace octet
