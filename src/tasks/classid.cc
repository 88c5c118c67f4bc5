// Classification whose arg-max is inside the model: one integer output, the class itself.
#include <algorithm>

#include "tasks/decoding.h"

namespace octet {

namespace {

class ClassId : public Decoder {
 public:
  ClassId(ParameterReader& parameters, const ModelDescription&) {
    output_ = parameters.word("output", "");
    scores_ = parameters.word("scores", "");
    class_offset_ = read_integer(parameters, "class_offset", 0, -100000, 100000);
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry&) const override {
    const NamedTensor& output = the_output(outputs, output_);
    require(output.tensor.elements() >= 1 && (output.tensor.shape().rank() == 0 || output.tensor.shape()[0] == 1),
            ErrorCode::kShapeMismatch, "output '", output.name, "' has the shape ", output.tensor.shape(),
            ", the class ids of one frame are wanted");
    int64_t count = output.tensor.elements();   // more than one: a TopK inside the model, the best first
    Predictions predictions;
    Tensor scores = scores_.empty() ? Tensor() : as_float(output_named(outputs, scores_));
    if (scores.is_defined())
      require(scores.elements() == count, ErrorCode::kShapeMismatch, "output '", scores_, "' holds ", scores.elements(), " scores for ",
              count, " class ids");
    Tensor ids = dtype_is_float(output.tensor.dtype()) ? as_float(output) : output.tensor.aligned();
    for (int64_t i = 0; i < count; ++i)
      predictions.classes.push_back({integer_at(ids, i) + class_offset_,
                                     scores.is_defined() ? scores.values<float>()[static_cast<size_t>(i)] : 1.0f});
    return predictions;
  }

 private:
  std::string output_, scores_;
  int64_t class_offset_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1) return {};
  const OutputDescription& output = model.outputs[0];
  if (output.dtype != DType::kInt64 && output.dtype != DType::kInt32) return {};
  Shape shape = without_batch(output.shape);
  bool single = std::all_of(shape.begin(), shape.end(), [](int64_t extent) { return extent == 1; });
  if (!single) return {};
  return {.9, "one integer output with one element per frame"};
}

}  // namespace

const DecoderDef& classid_decoder() {
  static constexpr DecoderDef def = {
      "classid", "the class id itself: ArgMax or TopK stand inside the model", Answer::kClasses, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<ClassId>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
