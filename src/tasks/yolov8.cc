// Anchor-free detectors without objectness (YOLOv8, v9, v11): 4 + C channels by N cells, or transposed, decoded inside the
// model to [centre x, centre y, width, height] in pixels of the input and class probabilities.
#include <algorithm>
#include <cmath>

#include "tasks/decoding.h"

namespace octet {

namespace {

class Yolov8 : public Decoder {
 public:
  Yolov8(ParameterReader& parameters, const ModelDescription& model) {
    static constexpr std::string_view kLayouts[] = {"auto", "channels_first", "channels_last"};
    static constexpr std::string_view kFormats[] = {"cxcywh", "xyxy"};
    output_ = parameters.word("output", "");
    layout_ = parameters.word("layout", "auto", kLayouts);
    corners_ = parameters.word("box_format", "cxcywh", kFormats) == "xyxy";
    multi_label_ = parameters.flag("multi_label", false);
    activation_ = read_activation(parameters, "activation", Activation::kNone);
    options_ = detector_options(parameters, .7);
    int64_t rows = described_extent(model, output_, -2), columns = described_extent(model, output_, -1);
    if (rows > 0 && columns > 0) classes_ = std::min(rows, columns) - 4;
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    const NamedTensor& output = the_output(outputs, output_);
    Table table = as_table(output);
    // There are far more cells than channels.
    bool first = layout_ == "channels_first" || (layout_ == "auto" && table.rows < table.columns);
    int64_t channels = first ? table.rows : table.columns, cells = first ? table.columns : table.rows;
    require(channels >= 5, ErrorCode::kShapeMismatch, "output '", output.name, "' has the shape ", output.tensor.shape(),
            ", a box and at least one class per cell are wanted");
    const float* data = table.tensor.data<float>();
    auto at = [&](int64_t channel, int64_t cell) { return first ? data[channel * cells + cell] : data[cell * channels + channel]; };
    SourceMap map(geometry, options_.clip);
    std::vector<Detection> candidates;
    std::vector<float> scores(static_cast<size_t>(channels - 4));
    for (int64_t cell = 0; cell < cells; ++cell) {
      for (size_t c = 0; c < scores.size(); ++c) scores[c] = at(static_cast<int64_t>(c) + 4, cell);
      activate(scores, activation_);
      size_t best = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
      for (size_t c = multi_label_ ? 0 : best; c < (multi_label_ ? scores.size() : best + 1); ++c) {
        if (!(scores[c] >= static_cast<float>(options_.score_threshold))) continue;
        double a = at(0, cell), b = at(1, cell), w = at(2, cell), h = at(3, cell);
        candidates.push_back(corners_ ? map.box(a, b, w, h, scores[c], static_cast<int64_t>(c))
                                      : map.box(a - w / 2, b - h / 2, a + w / 2, b + h / 2, scores[c], static_cast<int64_t>(c)));
      }
    }
    Predictions predictions;
    predictions.detections = non_maximum_suppression(std::move(candidates), options_.nms);
    return predictions;
  }

  int64_t class_count() const override { return classes_; }

 private:
  int64_t classes_ = 0;
  std::string output_, layout_;
  bool corners_, multi_label_;
  Activation activation_;
  DetectorOptions options_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1) return {};
  Shape shape = without_batch(model.outputs[0].shape);
  if (shape.rank() != 2) return {};
  static constexpr int kStrides[] = {8, 16, 32};
  int64_t cells = grid_cells(model_input_size(model), kStrides);
  if (cells == 0 || shape[1] != cells || shape[0] < 5) return {};
  return {.9, text("one output of 4 + ", shape[0] - 4, " channels by ", cells, " cells of strides 8, 16 and 32")};
}

}  // namespace

const DecoderDef& yolov8_decoder() {
  static constexpr DecoderDef def = {
      "yolov8", "4 + C channels by N cells: boxes in pixels of the input, class probabilities, no objectness", Answer::kDetections, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Yolov8>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
