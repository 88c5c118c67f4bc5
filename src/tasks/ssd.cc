// SSD and its kin (UltraFace, RetinaFace): one output of class scores and one of boxes, a row per prior.
//
// boxes = "corners": [x1, y1, x2, y2] relative to the input; "centers": [cx, cy, w, h] relative; "yxyx": [y1, x1, y2, x2]
// relative; "priors": offsets to priors, which are made from `strides`, `prior_sizes` (pixels, one text per stride:
// "10 16 24") and `aspect_ratios`:
//   centre = prior centre + xy · center_variance · prior size,   size = prior size · exp(wh · size_variance)
// Liu et al., "SSD: Single Shot MultiBox Detector", arXiv 1512.02325.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "tasks/decoding.h"

namespace octet {

namespace {

struct Prior { double cx, cy, w, h; };   // relative to the input

std::vector<double> numbers_in(std::string_view text) {
  std::vector<double> out;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    double value = 0;
    auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !(value > 0))
      fail(ErrorCode::kInvalidArgument, "task.prior_sizes: '", text, "' is not a list of positive numbers");
    out.push_back(value);
    at = next;
  }
  return out;
}

class Ssd : public Decoder {
 public:
  Ssd(ParameterReader& parameters, const ModelDescription& model) : model_size_(model_input_size(model)) {
    static constexpr std::string_view kBoxes[] = {"corners", "centers", "yxyx", "priors"};
    scores_ = parameters.word("scores", "");
    boxes_ = parameters.word("boxes", "");
    format_ = parameters.word("box_format", "corners", kBoxes);
    activation_ = read_activation(parameters, "activation", Activation::kNone);
    background_ = read_integer(parameters, "background", 0, -1, 100000);
    if (format_ == "priors") {
      strides_ = read_strides(parameters, {8, 16, 32, 64});
      for (const std::string& sizes : parameters.words("prior_sizes", {"10 16 24", "32 48", "64 96", "128 192 256"}))
        prior_sizes_.push_back(numbers_in(sizes));
      aspect_ratios_ = parameters.numbers("aspect_ratios", {1});
      center_variance_ = read_positive(parameters, "center_variance", .1);
      size_variance_ = read_positive(parameters, "size_variance", .2);
      require(strides_.size() == prior_sizes_.size(), ErrorCode::kInvalidArgument, "task.prior_sizes has ", prior_sizes_.size(),
              " texts for ", strides_.size(), " strides");
      for (double ratio : aspect_ratios_)
        require(ratio > 0, ErrorCode::kInvalidArgument, "task.aspect_ratios holds ", ratio, ", ratios are above 0");
    }
    options_ = detector_options(parameters, .45);
    for (const OutputDescription& output : model.outputs) {
      int64_t columns = described_extent(model, output.name, -1);
      if (output.name == scores_ || (scores_.empty() && contains_word(output.name, "score"))) classes_ = columns - (background_ >= 0 ? 1 : 0);
    }
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    auto [score_output, box_output] = find_roles(outputs);
    Table scores = as_table(*score_output), boxes = as_table(*box_output);
    require(boxes.columns == 4 && boxes.rows == scores.rows, ErrorCode::kShapeMismatch, "the boxes '", box_output->name, "' have the shape ",
            box_output->tensor.shape(), " and the scores '", score_output->name, "' ", score_output->tensor.shape(),
            "; four columns and as many rows are wanted");
    require(background_ < scores.columns, ErrorCode::kInvalidArgument, "task.background is ", background_, ", but there are only ",
            scores.columns, " classes");
    InputSize size = input_size(geometry, model_size_);
    std::vector<Prior> priors;
    if (format_ == "priors") {
      priors = make_priors(size);
      require(static_cast<int64_t>(priors.size()) == boxes.rows, ErrorCode::kShapeMismatch, "the model has ", boxes.rows,
              " boxes, but the task's strides, prior_sizes and aspect_ratios make ", static_cast<int64_t>(priors.size()), " priors");
    }
    SourceMap map(geometry, options_.clip);
    std::vector<Detection> candidates;
    std::vector<float> row(static_cast<size_t>(scores.columns));
    for (int64_t i = 0; i < scores.rows; ++i) {
      std::copy_n(scores.row(i).begin(), row.size(), row.begin());
      activate(row, activation_);
      for (int64_t c = 0; c < scores.columns; ++c) {
        float score = row[static_cast<size_t>(c)];
        if (c == background_ || !(score >= static_cast<float>(options_.score_threshold))) continue;
        Prior box = corners(boxes.row(i), priors.empty() ? nullptr : &priors[static_cast<size_t>(i)]);
        int64_t index = background_ >= 0 && c > background_ ? c - 1 : c;   // classes without the background are dense
        candidates.push_back(map.box(box.cx * size.width, box.cy * size.height, box.w * size.width, box.h * size.height, score, index));
      }
    }
    Predictions predictions;
    predictions.detections = non_maximum_suppression(std::move(candidates), options_.nms);
    return predictions;
  }

  int64_t class_count() const override { return classes_; }

 private:
  int64_t classes_ = 0;
  struct Roles { const NamedTensor *scores, *boxes; };

  Roles find_roles(std::span<const NamedTensor> outputs) const {
    Roles roles{nullptr, nullptr};
    if (!boxes_.empty()) roles.boxes = &output_named(outputs, boxes_);
    if (!scores_.empty()) roles.scores = &output_named(outputs, scores_);
    auto last = [](const NamedTensor& output) {
      const Shape& shape = output.tensor.shape();
      return shape.rank() >= 2 ? shape[shape.rank() - 1] : 0;
    };
    if (!roles.boxes) {   // the output with four columns; where the scores have four too, the names decide
      int found = 0;
      for (const NamedTensor& output : outputs) {
        if (&output == roles.scores || last(output) != 4 || contains_word(output.name, "score") || contains_word(output.name, "conf")) continue;
        if (roles.boxes && !contains_word(output.name, "box") && !contains_word(output.name, "loc")) continue;
        roles.boxes = &output;
        ++found;
      }
      if (found == 0) refuse(outputs, "boxes");
    }
    if (!roles.scores) {
      int64_t rows = roles.boxes->tensor.elements() / 4;
      int found = 0;
      for (const NamedTensor& output : outputs) {
        if (&output == roles.boxes || last(output) < 1 || output.tensor.elements() != rows * last(output)) continue;
        if (last(output) > 4 && contains_word(output.name, "landm")) continue;
        roles.scores = &output;
        ++found;
      }
      if (found != 1) refuse(outputs, "scores");
    }
    return roles;
  }

  [[noreturn]] static void refuse(std::span<const NamedTensor> outputs, std::string_view role) {
    throw Error(ErrorCode::kInvalidArgument, text("cannot tell which output holds the ", role, ": the model's outputs are ", describe_outputs(outputs)),
                text("say it with ", role, " = \"NAME\" under [task]"));
  }

  // The box as relative corners, in the fields of a Prior: x1, y1, x2, y2.
  Prior corners(std::span<const float> b, const Prior* prior) const {
    double v[4] = {b[0], b[1], b[2], b[3]};
    if (format_ == "corners") return {v[0], v[1], v[2], v[3]};
    if (format_ == "yxyx") return {v[1], v[0], v[3], v[2]};
    double cx = v[0], cy = v[1], w = v[2], h = v[3];
    if (prior) {
      cx = prior->cx + cx * center_variance_ * prior->w;
      cy = prior->cy + cy * center_variance_ * prior->h;
      w = prior->w * std::exp(w * size_variance_);
      h = prior->h * std::exp(h * size_variance_);
    }
    return {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2};
  }

  std::vector<Prior> make_priors(const InputSize& size) const {
    std::vector<Prior> priors;
    for (size_t level = 0; level < strides_.size(); ++level) {
      double stride = strides_[level];
      double columns = std::ceil(size.width / stride), rows = std::ceil(size.height / stride);
      // The cells share the input evenly in units of the stride, as UltraFace makes them.
      for (double y = 0; y < rows; ++y)
        for (double x = 0; x < columns; ++x)
          for (double side : prior_sizes_[level])
            for (double ratio : aspect_ratios_)
              priors.push_back({(x + .5) * stride / size.width, (y + .5) * stride / size.height, side * std::sqrt(ratio) / size.width,
                                side / std::sqrt(ratio) / size.height});
    }
    return priors;
  }

  InputSize model_size_;
  std::string scores_, boxes_, format_;
  Activation activation_;
  int64_t background_;
  std::vector<int> strides_;
  std::vector<std::vector<double>> prior_sizes_;
  std::vector<double> aspect_ratios_;
  double center_variance_ = .1, size_variance_ = .2;
  DetectorOptions options_;
};

Recognition recognise(const ModelDescription& model) {
  if (model.outputs.size() != 2) return {};
  for (int boxes = 0; boxes < 2; ++boxes) {
    const OutputDescription &box = model.outputs[static_cast<size_t>(boxes)], &score = model.outputs[static_cast<size_t>(1 - boxes)];
    if (box.shape.rank() != 3 || score.shape.rank() != 3 || box.shape[2] != 4 || score.shape[2] < 2 || !dtype_is_float(box.dtype) ||
        !dtype_is_float(score.dtype) || box.shape[1] != score.shape[1])
      continue;
    bool named = contains_word(box.name, "box") || contains_word(box.name, "loc");
    if (contains_word(score.name, "logit")) return {};   // a DETR's
    // Detection transformers have some hundred queries, SSDs thousands of priors.
    if (box.shape[1] > 1000) return {named ? .9 : .7, text("scores and boxes for ", box.shape[1], " priors")};
    if (named && contains_word(score.name, "score")) return {.6, "outputs named as scores and boxes"};
  }
  return {};
}

}  // namespace

const DecoderDef& ssd_decoder() {
  static constexpr DecoderDef def = {
      "ssd", "class scores and relative boxes, or offsets to priors, in two outputs (UltraFace, RetinaFace)", Answer::kDetections, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Ssd>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
