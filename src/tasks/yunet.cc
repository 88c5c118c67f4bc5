// YuNet: per stride four heads over its grid: class 1, objectness 1, box 4, and five points 10 (optional).
//
//   score = √(class · objectness),  centre = (cell + xy) · stride,  size = exp(wh) · stride,  point = (cell + xy) · stride
// Heads are told by their last extent and number of cells; class and objectness enter alike, so it does not matter which is
// which. Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023.
#include <algorithm>
#include <cmath>
#include <map>

#include "tasks/decoding.h"

namespace octet {

namespace {

class Yunet : public Decoder {
 public:
  Yunet(ParameterReader& parameters, const ModelDescription& model) : model_size_(model_input_size(model)) {
    strides_ = read_strides(parameters, {8, 16, 32});
    std::sort(strides_.begin(), strides_.end());
    options_ = detector_options(parameters, .45);
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    InputSize size = input_size(geometry, model_size_);
    std::vector<Level> levels = find_levels(outputs, size);
    SourceMap map(geometry, options_.clip);
    std::vector<Detection> candidates;
    for (const Level& level : levels) decode_level(level, map, candidates);
    Predictions predictions;
    predictions.detections = non_maximum_suppression(std::move(candidates), options_.nms);
    return predictions;
  }

  int64_t class_count() const override { return 1; }

 private:
  struct Level {
    double stride = 0;
    int64_t columns = 0, cells = 0;
    std::vector<Table> scores;   // class and objectness
    Table boxes, points;
  };

  std::vector<Level> find_levels(std::span<const NamedTensor> outputs, const InputSize& size) const {
    std::vector<Level> levels;
    for (int stride : strides_) {
      Level& level = levels.emplace_back();
      level.stride = stride;
      level.columns = static_cast<int64_t>(std::ceil(size.width / stride));
      level.cells = level.columns * static_cast<int64_t>(std::ceil(size.height / stride));
    }
    for (const NamedTensor& output : outputs) {
      Table table = as_table(output);
      auto level = std::find_if(levels.begin(), levels.end(), [&](const Level& l) { return l.cells == table.rows; });
      if (level == levels.end()) continue;
      if (table.columns == 1) level->scores.push_back(table);
      else if (table.columns == 4) level->boxes = table;
      else if (table.columns % 2 == 0) level->points = table;
    }
    for (const Level& level : levels)
      if (level.scores.size() != 2 || level.boxes.rows == 0)
        throw Error(ErrorCode::kShapeMismatch, text("two heads of 1 and one of 4 columns with ", level.cells, " rows are wanted for stride ",
                    level.stride, " at an input of ", size.width, "x", size.height, ", but the model's outputs are ", describe_outputs(outputs)),
                    "set strides under [task]");
    return levels;
  }

  void decode_level(const Level& level, const SourceMap& map, std::vector<Detection>& out) const {
    for (int64_t i = 0; i < level.cells; ++i) {
      float a = std::clamp(level.scores[0].row(i)[0], 0.0f, 1.0f), b = std::clamp(level.scores[1].row(i)[0], 0.0f, 1.0f);
      float score = std::sqrt(a * b);
      if (!(score >= static_cast<float>(options_.score_threshold))) continue;
      double column = static_cast<double>(i % level.columns), row = static_cast<double>(i / level.columns);
      auto box = level.boxes.row(i);
      double cx = (column + static_cast<double>(box[0])) * level.stride, cy = (row + static_cast<double>(box[1])) * level.stride;
      double w = std::exp(static_cast<double>(box[2])) * level.stride, h = std::exp(static_cast<double>(box[3])) * level.stride;
      Detection& detection = out.emplace_back(map.box(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, 0));
      if (level.points.rows == 0) continue;
      auto points = level.points.row(i);
      for (size_t k = 0; k + 1 < points.size(); k += 2)
        detection.points.push_back(map.point((column + static_cast<double>(points[k])) * level.stride,
                                             (row + static_cast<double>(points[k + 1])) * level.stride, score));
    }
  }

  InputSize model_size_;
  std::vector<int> strides_;
  DetectorOptions options_;
};

Recognition recognise(const ModelDescription& model) {
  std::map<int64_t, int> by_columns;
  for (const OutputDescription& output : model.outputs) {
    if (output.shape.rank() < 2 || !dtype_is_float(output.dtype)) return {};
    ++by_columns[output.shape[output.shape.rank() - 1]];
  }
  int levels = by_columns[4];
  if (levels < 2 || by_columns[1] != 2 * levels) return {};
  if (by_columns[10] != levels && static_cast<int>(model.outputs.size()) != 3 * levels) return {};
  return {.95, text(levels, " times two score heads, a box head", by_columns[10] ? " and a head of five points" : "")};
}

}  // namespace

const DecoderDef& yunet_decoder() {
  static constexpr DecoderDef def = {
      "yunet", "class, objectness, box and point heads per stride (faces)", Answer::kDetections, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Yunet>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
