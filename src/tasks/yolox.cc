// YOLOX and its kin: one row per cell of the grids of all strides, [x, y, w, h, objectness, classes…].
//
//   centre = (xy + cell) · stride,  size = exp(wh) · stride,  score = objectness · class      [not decoded]
// With `decoded` the row already holds centre and size in pixels of the input (YOLOv5, YOLOX exported with decoding).
// Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430.
#include <algorithm>
#include <cmath>

#include "tasks/decoding.h"

namespace octet {

namespace {

class Yolox : public Decoder {
 public:
  Yolox(ParameterReader& parameters, const ModelDescription& model) : model_size_(model_input_size(model)) {
    output_ = parameters.word("output", "");
    strides_ = read_strides(parameters, {8, 16, 32});
    decoded_ = parameters.flag("decoded", false);
    multi_label_ = parameters.flag("multi_label", false);
    activation_ = read_activation(parameters, "activation", Activation::kNone);
    options_ = detector_options(parameters, .65);
    classes_ = described_extent(model, output_, -1) - 5;
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    const NamedTensor& output = the_output(outputs, output_);
    Table table = as_table(output);
    require(table.columns >= 6, ErrorCode::kShapeMismatch, "output '", output.name, "' has ", table.columns,
            " columns, a box, its objectness and at least one class are wanted");
    SourceMap map(geometry, options_.clip);
    std::vector<Detection> candidates;
    if (decoded_) {
      for (int64_t i = 0; i < table.rows; ++i) decode_row(table.row(i), 0, 0, 1, map, candidates);
    } else {
      decode_grid(output, table, input_size(geometry, model_size_), map, candidates);
    }
    Predictions predictions;
    predictions.detections = non_maximum_suppression(std::move(candidates), options_.nms);
    return predictions;
  }

  int64_t class_count() const override { return classes_; }

 private:
  int64_t classes_ = 0;
  void decode_grid(const NamedTensor& output, const Table& table, const InputSize& size, const SourceMap& map,
                   std::vector<Detection>& out) const {
    int64_t cells = grid_cells(size, strides_);
    if (cells != table.rows)
      throw Error(ErrorCode::kShapeMismatch, text("output '", output.name, "' has ", table.rows, " rows, but an input of ", size.width, "x",
                  size.height, " has ", cells, " cells at the task's strides"), "set strides, or decoded = true, under [task]");
    int64_t at = 0;
    for (int stride : strides_) {
      auto columns = static_cast<int64_t>(std::ceil(size.width / stride)), rows = static_cast<int64_t>(std::ceil(size.height / stride));
      for (int64_t y = 0; y < rows; ++y)
        for (int64_t x = 0; x < columns; ++x)
          decode_row(table.row(at++), static_cast<double>(x), static_cast<double>(y), stride, map, out);
    }
  }

  void decode_row(std::span<const float> row, double cell_x, double cell_y, double stride, const SourceMap& map,
                  std::vector<Detection>& out) const {
    auto score_of = [&](float raw) { return activation_ == Activation::kSigmoid ? sigmoid(raw) : raw; };
    auto threshold = static_cast<float>(options_.score_threshold);
    float objectness = score_of(row[4]);
    if (!(objectness >= threshold)) return;   // class scores are at most 1
    std::span<const float> classes = row.subspan(5);
    auto emit = [&](size_t index) {
      float score = objectness * score_of(classes[index]);
      if (!(score >= threshold)) return;
      double cx = row[0], cy = row[1], w = row[2], h = row[3];
      if (!decoded_) {
        cx = (cx + cell_x) * stride;
        cy = (cy + cell_y) * stride;
        w = std::exp(w) * stride;
        h = std::exp(h) * stride;
      }
      out.push_back(map.box(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, static_cast<int64_t>(index)));
    };
    if (multi_label_) {
      for (size_t i = 0; i < classes.size(); ++i) emit(i);
    } else {
      emit(static_cast<size_t>(std::max_element(classes.begin(), classes.end()) - classes.begin()));
    }
  }

  InputSize model_size_;
  std::string output_;
  std::vector<int> strides_;
  bool decoded_, multi_label_;
  Activation activation_;
  DetectorOptions options_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 1 || model.outputs[0].shape.rank() < 2 || model.outputs[0].shape.rank() > 3) return {};
  Shape shape = without_batch(model.outputs[0].shape);
  if (shape.rank() != 2 || shape[1] < 6) return {};
  static constexpr int kStrides[] = {8, 16, 32};
  int64_t cells = grid_cells(model_input_size(model), kStrides);
  if (cells == 0 || shape[0] != cells) return {};
  return {.9, text("one output of ", cells, " rows, the cells of strides 8, 16 and 32, and 5 + ", shape[1] - 5, " columns")};
}

}  // namespace

const DecoderDef& yolox_decoder() {
  static constexpr DecoderDef def = {
      "yolox", "rows of [x, y, w, h, objectness, classes] over the grids of several strides", Answer::kDetections, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Yolox>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
