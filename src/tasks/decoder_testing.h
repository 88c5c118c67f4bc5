// Helpers of the decoders' tests: making a decoder from parameters, tensors from formulas.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "octet/error.h"
#include "tasks/decoder.h"

namespace octet::testing {

inline Tensor filled(Shape shape, float value) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (float& v : tensor.values<float>()) v = value;
  return tensor;
}

inline ModelDescription described(Shape input, std::vector<OutputDescription> outputs) {
  return {{{"input", DType::kFloat32, std::move(input)}}, std::move(outputs)};
}

// A decoder of that kind; refuses unknown parameters as a Task does.
inline std::unique_ptr<Decoder> make_decoder(const std::string& kind, const ModelDescription& model = {},
                                             std::vector<std::pair<std::string, ParameterValue>> parameters = {}) {
  TaskConfig config{kind, std::move(parameters)};
  ParameterReader reader(config);
  auto decoder = find_decoder(kind).make(reader, model);
  reader.finish();
  return decoder;
}

// A source of 200×100 pixels, doubled into an input of `width`×`height`, at an offset.
inline Geometry doubled(int width, int height, double offset_x = 0, double offset_y = 0) {
  return {200, 100, width, height, 2, 2, offset_x, offset_y};
}

// The text of the Error that `call` throws; empty when it throws none.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace octet::testing
