// Regression: the values of one output, as they are.
#include <algorithm>

#include "tasks/decoding.h"

namespace octet {

namespace {

class Regression : public Decoder {
 public:
  Regression(ParameterReader& parameters, const ModelDescription&) {
    output_ = parameters.word("output", "");
    scale_ = parameters.number("scale", 1);
    offset_ = parameters.number("offset", 0);
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry&) const override {
    const NamedTensor& output = the_output(outputs, output_);
    require(output.tensor.shape().rank() == 0 || output.tensor.shape()[0] == 1 || output.tensor.shape().rank() == 1, ErrorCode::kShapeMismatch,
            "output '", output.name, "' has the shape ", output.tensor.shape(), ", the values of one frame are wanted");
    Predictions predictions;
    Tensor tensor = as_float(output);
    for (float v : tensor.values<float>())
      predictions.values.push_back(static_cast<float>(static_cast<double>(v) * scale_ + offset_));
    return predictions;
  }

 private:
  std::string output_;
  double scale_, offset_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1 || !dtype_is_float(model.outputs[0].dtype)) return {};
  const Shape& shape = model.outputs[0].shape;
  Shape rest = without_batch(shape);
  bool single = std::all_of(rest.begin(), rest.end(), [](int64_t extent) { return extent == 1; });
  if (!single || shape.rank() == 0) return {};
  return {.7, "one float output with one element per frame"};
}

}  // namespace

const DecoderDef& regression_decoder() {
  static constexpr DecoderDef def = {
      "regression", "numbers: value = output · scale + offset", Answer::kValues, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Regression>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
