// Detection transformers: a fixed number of boxes, no suppression needed.
//
// Two forms. Decoded inside the model (RT-DETR, D-FINE, DEIM): labels N, boxes N×4 as corners, scores N; boxes are pixels of
// the size that was given to the model (`box_space` = "source", or "input"), or "relative". Raw: logits Q×C and boxes Q×4
// relative [cx, cy, w, h]; `activation` sigmoid takes the best queries and classes together (RT-DETR), softmax one class per
// query with the last logit for "nothing" (DETR).
// Carion et al., "End-to-End Object Detection with Transformers", arXiv 2005.12872.
#include <algorithm>
#include <cmath>

#include "tasks/decoding.h"

namespace octet {

namespace {

class Detr : public Decoder {
 public:
  Detr(ParameterReader& parameters, const ModelDescription& model) : model_size_(model_input_size(model)) {
    static constexpr std::string_view kSpaces[] = {"auto", "source", "input", "relative"};
    static constexpr std::string_view kFormats[] = {"auto", "xyxy", "cxcywh"};
    labels_ = parameters.word("labels", "");
    boxes_ = parameters.word("boxes", "");
    scores_ = parameters.word("scores", "");
    space_ = parameters.word("box_space", "auto", kSpaces);
    format_ = parameters.word("box_format", "auto", kFormats);
    activation_ = read_activation(parameters, "activation", Activation::kSigmoid);
    class_offset_ = read_integer(parameters, "class_offset", 0, -100000, 100000);
    options_ = detector_options(parameters, 1);
  }

  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const override {
    Roles roles = find_roles(outputs);
    Predictions predictions;
    if (roles.labels) decoded(roles, geometry, predictions.detections);
    else raw(roles, geometry, predictions.detections);
    if (options_.nms.iou < 1) predictions.detections = non_maximum_suppression(std::move(predictions.detections), options_.nms);
    else keep_best(predictions.detections, options_.nms.max_detections);
    return predictions;
  }

 private:
  struct Roles { const NamedTensor *labels, *boxes, *scores; };

  Roles find_roles(std::span<const NamedTensor> outputs) const {
    Roles roles{nullptr, nullptr, nullptr};
    if (!labels_.empty()) roles.labels = &output_named(outputs, labels_);
    if (!boxes_.empty()) roles.boxes = &output_named(outputs, boxes_);
    if (!scores_.empty()) roles.scores = &output_named(outputs, scores_);
    auto four = [](const NamedTensor& output) {
      const Shape& shape = output.tensor.shape();
      return shape.rank() >= 2 && shape[shape.rank() - 1] == 4;
    };
    for (const NamedTensor& output : outputs)   // labels are the only integers, boxes have four columns
      if (!roles.labels && labels_.empty() && dtype_is_integer(output.tensor.dtype())) roles.labels = &output;
    for (const NamedTensor& output : outputs)
      if (!roles.boxes && &output != roles.labels && &output != roles.scores && four(output) && !contains_word(output.name, "logit"))
        roles.boxes = &output;
    for (const NamedTensor& output : outputs)
      if (!roles.scores && &output != roles.labels && &output != roles.boxes) roles.scores = &output;
    if (!roles.boxes || !roles.scores)
      throw Error(ErrorCode::kInvalidArgument, text("boxes and scores are wanted, but the model's outputs are ", describe_outputs(outputs)),
                  "name them with labels, boxes and scores under [task]");
    return roles;
  }

  void add(std::span<const float> box, float score, int64_t class_index, std::string_view space, bool corners, const Geometry& geometry,
           std::vector<Detection>& out) const {
    if (!(score >= static_cast<float>(options_.score_threshold))) return;
    double v[4] = {box[0], box[1], box[2], box[3]};
    if (!corners) {
      double w = v[2], h = v[3];
      v[2] = v[0] + w / 2;
      v[3] = v[1] + h / 2;
      v[0] -= w / 2;
      v[1] -= h / 2;
    }
    Geometry where = geometry;
    if (space == "source") {
      where.scale_x = where.scale_y = 1;
      where.offset_x = where.offset_y = 0;
    } else if (space == "relative") {
      InputSize size = input_size(geometry, model_size_);
      v[0] *= size.width;
      v[2] *= size.width;
      v[1] *= size.height;
      v[3] *= size.height;
    }
    out.push_back(SourceMap(where, options_.clip).box(v[0], v[1], v[2], v[3], score, class_index + class_offset_));
  }

  void decoded(const Roles& roles, const Geometry& geometry, std::vector<Detection>& out) const {
    Table boxes = as_table(*roles.boxes);
    Tensor scores = as_float(*roles.scores);
    Tensor labels = dtype_is_float(roles.labels->tensor.dtype()) ? as_float(*roles.labels) : roles.labels->tensor.aligned();
    require(boxes.columns == 4 && scores.elements() == boxes.rows && labels.elements() == boxes.rows, ErrorCode::kShapeMismatch,
            "labels '", roles.labels->name, "' ", labels.shape(), ", boxes '", roles.boxes->name, "' ", roles.boxes->tensor.shape(),
            " and scores '", roles.scores->name, "' ", scores.shape(), " do not belong together");
    for (int64_t i = 0; i < boxes.rows; ++i)
      add(boxes.row(i), scores.values<float>()[static_cast<size_t>(i)], integer_at(labels, i), space_ == "auto" ? "source" : space_,
          format_ != "cxcywh", geometry, out);
  }

  void raw(const Roles& roles, const Geometry& geometry, std::vector<Detection>& out) const {
    Table boxes = as_table(*roles.boxes), logits = as_table(*roles.scores);
    require(boxes.columns == 4 && boxes.rows == logits.rows, ErrorCode::kShapeMismatch, "boxes '", roles.boxes->name, "' ",
            roles.boxes->tensor.shape(), " and scores '", roles.scores->name, "' ", roles.scores->tensor.shape(), " do not belong together");
    std::string_view space = space_ == "auto" ? "relative" : std::string_view(space_);
    std::vector<float> row(static_cast<size_t>(logits.columns));
    for (int64_t i = 0; i < logits.rows; ++i) {
      std::copy_n(logits.row(i).begin(), row.size(), row.begin());
      activate(row, activation_);
      if (activation_ == Activation::kSoftmax) {
        auto best = std::max_element(row.begin(), row.end() - 1);
        if (row.size() > 1) add(boxes.row(i), *best, best - row.begin(), space, format_ == "xyxy", geometry, out);
        continue;
      }
      for (size_t c = 0; c < row.size(); ++c)
        add(boxes.row(i), row[c], static_cast<int64_t>(c), space, format_ == "xyxy", geometry, out);
    }
  }

  InputSize model_size_;
  std::string labels_, boxes_, scores_, space_, format_;
  Activation activation_;
  int64_t class_offset_;
  DetectorOptions options_;
};

Recognition recognise(const ModelDescription& model) {
  const OutputDescription *labels = nullptr, *boxes = nullptr, *scores = nullptr;
  for (const OutputDescription& output : model.outputs) {
    const Shape& shape = output.shape;
    if (dtype_is_integer(output.dtype)) labels = &output;
    else if (!boxes && shape.rank() >= 2 && shape[shape.rank() - 1] == 4 && !contains_word(output.name, "logit")) boxes = &output;
    else scores = &output;
  }
  if (!boxes || !scores) return {};
  if (labels && model.outputs.size() == 3 && labels->shape.rank() + 1 == boxes->shape.rank() && scores->shape.rank() == labels->shape.rank())
    return {.95, "integer labels, boxes and scores of the same number"};
  if (!labels && model.outputs.size() == 2 && contains_word(scores->name, "logit") && contains_word(boxes->name, "box"))
    return {.85, "outputs named as logits and boxes"};
  return {};
}

}  // namespace

const DecoderDef& detr_decoder() {
  static constexpr DecoderDef def = {
      "detr", "labels, boxes and scores, or logits and boxes, of a fixed number of queries", Answer::kDetections, 0,
      [](ParameterReader& parameters, const ModelDescription& model) -> std::unique_ptr<Decoder> {
        return std::make_unique<Detr>(parameters, model);
      },
      recognise};
  return def;
}

}  // namespace octet
