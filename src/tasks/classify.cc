// Classification: one output of scores per class, logits or probabilities.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tasks/decoding.h"

namespace octet {

namespace {

bool is_distribution(std::span<const float> values) {
  double sum = 0;
  for (float v : values) {
    if (!(v >= 0) || v > 1.0f) return false;
    sum += static_cast<double>(v);
  }
  return std::fabs(sum - 1) < 1e-2;
}

class Classify : public Decoder {
 public:
  Classify(ParameterReader& parameters, const ModelDescription& model) {
    static constexpr std::string_view kActivations[] = {"auto", "none", "sigmoid", "softmax"};
    output_ = parameters.word("output", "");
    top_k_ = read_integer(parameters, "top_k", 5, 1, 100000);
    activation_ = parameters.word("activation", "auto", kActivations);
    class_offset_ = read_integer(parameters, "class_offset", 0, -100000, 100000);
    int64_t scores = described_scores(model);
    classes_ = scores > 0 ? std::max<int64_t>(scores + class_offset_, 0) : 0;
  }

  int64_t class_count() const override { return classes_; }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry&) const override {
    const NamedTensor& output = the_output(outputs, output_);
    const Shape& shape = output.tensor.shape();
    auto wide = std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent != 1; });
    require(shape.rank() > 0 && wide <= 1, ErrorCode::kShapeMismatch, "output '", output.name, "' has the shape ", shape,
            ", one score per class of one frame is wanted");
    Tensor tensor = as_float(output);
    std::vector<float> scores(tensor.values<float>().begin(), tensor.values<float>().end());
    // Softmax keeps the order, so the guess of "auto" never changes which class wins.
    if (activation_ == "softmax" || (activation_ == "auto" && !is_distribution(scores))) softmax(scores);
    else if (activation_ == "sigmoid") activate(scores, Activation::kSigmoid);
    std::span<const float> raw = tensor.values<float>();   // ordered by these: exp() may make unequal scores equal
    std::vector<size_t> order;
    for (size_t i = 0; i < raw.size(); ++i)
      if (!std::isnan(raw[i])) order.push_back(i);
    size_t count = std::min(order.size(), static_cast<size_t>(top_k_));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](size_t a, size_t b) { return raw[a] > raw[b] || (raw[a] == raw[b] && a < b); });
    Predictions predictions;
    for (size_t i = 0; i < count; ++i)
      predictions.classes.push_back({static_cast<int64_t>(order[i]) + class_offset_, scores[order[i]]});
    return predictions;
  }

 private:
  // Of the described output, batch axis aside; 0 where an extent is open.
  int64_t described_scores(const ModelDescription& model) const {
    for (const OutputDescription& output : model.outputs) {
      if (!output_.empty() && output.name != output_) continue;
      int rank = output.shape.rank();
      int64_t scores = rank > 0 ? 1 : 0;
      for (int axis = rank > 1 ? 1 : 0; axis < rank; ++axis) scores *= std::max<int64_t>(output.shape[axis], 0);
      return scores;
    }
    return 0;
  }

  std::string output_, activation_;
  int64_t top_k_, class_offset_, classes_ = 0;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1 || !dtype_is_float(model.outputs[0].dtype)) return {};
  Shape shape = without_batch(model.outputs[0].shape);
  auto wide = std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent != 1; });
  if (shape.rank() == 0 || wide != 1 || shape[0] < 2) return {};
  return {.8, text("one output of ", shape[0], " scores")};
}

}  // namespace

const DecoderDef& classify_decoder() {
  static constexpr DecoderDef def = {
      "classify", "one score per class: logits or probabilities", Answer::kClasses, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Classify>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
