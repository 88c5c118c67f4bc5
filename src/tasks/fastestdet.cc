// FastestDet: one grid, channels [objectness, x, y, w, h, classes…], objectness and classes already probabilities.
//
//   centre = ((column, row) + tanh(xy)) / (columns, rows),  size = sigmoid(wh), both relative to the input,
//   score = objectness^0.6 · largest class^0.4
// github.com/dog-qiuqiu/FastestDet, utils/tool.py.
#include <cmath>

#include "tasks/decoding.h"

namespace octet {

namespace {

class FastestDet : public Decoder {
 public:
  FastestDet(ParameterReader& parameters, const ModelDescription& model) : model_size_(model_input_size(model)) {
    output_ = parameters.word("output", "");
    objectness_power_ = read_fraction(parameters, "objectness_power", .6);
    class_power_ = read_fraction(parameters, "class_power", .4);
    options_ = detector_options(parameters, .45);
    classes_ = described_extent(model, output_, 1) - 5;
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    const NamedTensor& output = the_output(outputs, output_);
    Maps maps = as_maps(output);
    require(maps.channels >= 6, ErrorCode::kShapeMismatch, "output '", output.name, "' has ", maps.channels,
            " channels, objectness, a box and at least one class are wanted");
    InputSize size = input_size(geometry, model_size_);
    SourceMap map(geometry, options_.clip);
    std::vector<Detection> candidates;
    for (int64_t y = 0; y < maps.height; ++y) {
      for (int64_t x = 0; x < maps.width; ++x) {
        auto at = [&](int64_t channel) { return maps.channel(channel)[y * maps.width + x]; };
        int64_t best = 5;
        for (int64_t c = 6; c < maps.channels; ++c)
          if (at(c) > at(best)) best = c;
        double score = std::pow(static_cast<double>(at(0)), objectness_power_) * std::pow(static_cast<double>(at(best)), class_power_);
        if (!(score >= options_.score_threshold)) continue;
        double cx = (static_cast<double>(x) + std::tanh(static_cast<double>(at(1)))) / static_cast<double>(maps.width) * size.width;
        double cy = (static_cast<double>(y) + std::tanh(static_cast<double>(at(2)))) / static_cast<double>(maps.height) * size.height;
        double w = static_cast<double>(sigmoid(at(3))) * size.width, h = static_cast<double>(sigmoid(at(4))) * size.height;
        candidates.push_back(map.box(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, static_cast<float>(score), best - 5));
      }
    }
    Predictions predictions;
    predictions.detections = non_maximum_suppression(std::move(candidates), options_.nms);
    return predictions;
  }

  int64_t class_count() const override { return classes_; }

 private:
  int64_t classes_ = 0;
  InputSize model_size_;
  std::string output_;
  double objectness_power_, class_power_;
  DetectorOptions options_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1 || model.outputs[0].shape.rank() != 4) return {};
  const Shape& shape = model.outputs[0].shape;
  InputSize size = model_input_size(model);
  bool grid = size.width > 0 && shape[2] * 16 == static_cast<int64_t>(size.height) && shape[3] * 16 == static_cast<int64_t>(size.width);
  if (!grid || shape[1] < 6) return {};
  // Other networks end in a grid at a sixteenth of the input too; 80 classes make it likely.
  return {shape[1] == 85 ? .85 : .6, text("one output of 5 + ", shape[1] - 5, " channels at a sixteenth of the input")};
}

}  // namespace

const DecoderDef& fastestdet_decoder() {
  static constexpr DecoderDef def = {
      "fastestdet", "one grid of [objectness, x, y, w, h, classes]", Answer::kDetections, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<FastestDet>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
