// Key points by heat maps, one map per point, of one person or thing per frame (top-down: the frame is its box).
//
// The arg-max, moved a quarter cell towards the larger neighbour; map coordinates times input / map size give input pixels.
// Xiao, Wu, Wei, "Simple Baselines for Human Pose Estimation and Tracking", arXiv 1804.06208.
#include <algorithm>
#include <cmath>

#include "tasks/decoding.h"

namespace octet {

namespace {

class HeatMap : public Decoder {
 public:
  HeatMap(ParameterReader& parameters, const ModelDescription& model) : model_size_(model_input_size(model)) {
    output_ = parameters.word("output", "");
    shift_ = read_fraction(parameters, "shift", .25);
    center_ = read_fraction(parameters, "cell_center", 0);
    class_index_ = read_integer(parameters, "class_index", 0, 0, 100000);
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    Maps maps = as_maps(the_output(outputs, output_));
    InputSize size = input_size(geometry, model_size_);
    SourceMap map(geometry, false);
    Predictions predictions;
    if (maps.width == 0 || maps.height == 0) return predictions;
    Detection person = SourceMap(geometry, true).box(0, 0, size.width, size.height, 0, class_index_);
    double total = 0;
    for (int64_t c = 0; c < maps.channels; ++c) {
      const float* values = maps.channel(c);
      int64_t best = std::max_element(values, values + maps.width * maps.height) - values;
      int64_t x = best % maps.width, y = best / maps.width;
      double px = static_cast<double>(x), py = static_cast<double>(y);
      if (x > 0 && x + 1 < maps.width) px += shift_ * sign(values[best + 1] - values[best - 1]);
      if (y > 0 && y + 1 < maps.height) py += shift_ * sign(values[best + maps.width] - values[best - maps.width]);
      person.points.push_back(map.point((px + center_) * size.width / static_cast<double>(maps.width),
                                        (py + center_) * size.height / static_cast<double>(maps.height), values[best]));
      total += static_cast<double>(values[best]);
    }
    if (maps.channels > 0) person.score = static_cast<float>(total / static_cast<double>(maps.channels));
    predictions.detections.push_back(std::move(person));
    return predictions;
  }

  int64_t class_count() const override { return 1; }

 private:
  static double sign(float x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

  InputSize model_size_;
  std::string output_;
  double shift_, center_;
  int64_t class_index_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1 || model.outputs[0].shape.rank() != 4) return {};
  const Shape& shape = model.outputs[0].shape;
  InputSize size = model_input_size(model);
  bool quarter = size.width > 0 && shape[2] * 4 == static_cast<int64_t>(size.height) && shape[3] * 4 == static_cast<int64_t>(size.width);
  if (!quarter || shape[1] < 2) return {};
  // A segmentation may look the same; 17 maps are COCO's persons.
  return {shape[1] == 17 ? .9 : .4, text(shape[1], " maps at a quarter of the input")};
}

}  // namespace

const DecoderDef& heatmap_decoder() {
  static constexpr DecoderDef def = {
      "heatmap", "key points of one person per frame, one heat map each", Answer::kPoints, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<HeatMap>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
