#include "tasks/task.h"

#include "base/error.h"
#include "base/nearest.h"
#include "tasks/classification_metric.h"
#include "tasks/coco_names.h"
#include "tasks/decoding.h"
#include "tasks/detection_metric.h"
#include "tasks/keypoint_metric.h"
#include "tasks/regression_metric.h"

namespace octet {

namespace {

constexpr double kSureEnough = .5;   // of a guess
constexpr double kClearLead = .15;   // over the second best

std::string describe(const std::vector<OutputDescription>& outputs) {
  std::string out;
  for (const OutputDescription& output : outputs) out += text(out.empty() ? "" : ", ", output.name, " ", output.dtype, " ", output.shape);
  return out.empty() ? "none" : out;
}

std::string all_kinds() {
  std::vector<std::string_view> kinds;
  for (const DecoderDef* decoder : decoders()) kinds.push_back(decoder->kind);
  return join_words(kinds);
}

}  // namespace

Task::Task(const TaskConfig& config, const ModelDescription& model, const LabelNames& names)
    : definition_(&find_decoder(config.kind)), class_names_(names.classes) {
  ParameterReader parameters(config);
  decoder_ = definition_->make(parameters, model);
  bool drawn = answer() == Answer::kDetections || answer() == Answer::kPoints;
  if (answer() == Answer::kDetections) {
    match_iou_ = read_fraction(parameters, "match_iou", definition_->match_iou);
  }
  if (drawn) {
    show_threshold_ = read_fraction(parameters, "show_threshold", answer() == Answer::kPoints ? .1 : .3);
  }
  if (answer() == Answer::kPoints) {
    static constexpr std::string_view kAreas[] = {"segment", "box"};
    sigmas_ = parameters.numbers("sigmas", {});
    box_area_ = parameters.word("oks_area", "segment", kAreas) == "box";
  }
  static constexpr std::string_view kNames[] = {"labels", "coco"};
  bool coco = parameters.word("class_names", "labels", kNames) == "coco";
  if (coco || (class_names_.empty() && answer() == Answer::kDetections && decoder_->class_count() == kCocoClasses))
    class_names_.assign(coco_class_names().begin(), coco_class_names().end());
  parameters.finish();
}

std::unique_ptr<Metric> Task::make_metric() const {
  switch (answer()) {
    case Answer::kClasses: return std::make_unique<ClassificationMetric>();
    case Answer::kDetections: return std::make_unique<DetectionMetric>(DetectionMetricOptions{.match_iou = match_iou_});
    case Answer::kPoints: return std::make_unique<KeypointMetric>(sigmas_, box_area_);
    case Answer::kValues: break;
  }
  return std::make_unique<RegressionMetric>();
}

bool Task::can_score(const GroundTruth* truth) const {
  if (!truth) return false;
  switch (answer()) {
    case Answer::kClasses: return truth->class_index >= 0;
    case Answer::kDetections: return truth->has_boxes;
    case Answer::kPoints: return truth->has_points;
    case Answer::kValues: break;
  }
  return !truth->targets.empty();
}

Agreement Task::make_agreement() const { return Agreement({.min_score = show_threshold_}); }

DrawOptions Task::draw_options() const {
  DrawOptions options;
  options.min_score = show_threshold_;
  options.classes = class_names_;
  options.one_class = decoder_->class_count() == 1;
  options.boxes = answer() != Answer::kPoints;
  return options;
}

TaskGuess guess_task(const ModelDescription& model) {
  TaskGuess best;
  const DecoderDef* first = nullptr;
  const DecoderDef* second = nullptr;
  double second_confidence = 0;
  for (const DecoderDef* decoder : decoders()) {
    Recognition recognition = decoder->recognise(model);
    if (recognition.confidence > best.confidence) {
      second = first;
      second_confidence = best.confidence;
      first = decoder;
      best.confidence = recognition.confidence;
      best.reason = recognition.reason;
    } else if (recognition.confidence > second_confidence) {
      second = decoder;
      second_confidence = recognition.confidence;
    }
  }
  if (!first) {
    best.reason = "no decoder knows outputs like these";
  } else if (second && best.confidence - second_confidence < kClearLead) {
    best.reason = text("they could be those of ", first->kind, " or of ", second->kind);
  } else if (best.confidence < kSureEnough) {
    best.reason = text("they might be those of ", first->kind, " (", best.reason, "), but that is not sure");
  } else {
    best.decoder = first;
  }
  return best;
}

std::unique_ptr<Task> make_task(const TaskConfig& config, const ModelDescription& model, const LabelNames& names, bool optional) {
  if (config.kind == "none") return nullptr;
  if (config.kind != "auto") return std::make_unique<Task>(config, model, names);
  TaskGuess guess = guess_task(model);
  if (!guess.decoder) {
    if (optional && config.parameters.empty()) return nullptr;
    throw Error(ErrorCode::kInvalidArgument, text("cannot tell the task from the model's outputs (", describe(model.outputs), "): ", guess.reason),
                text("set kind under [task] to one of ", all_kinds()));
  }
  TaskConfig known = config;
  known.kind = guess.decoder->kind;
  return std::make_unique<Task>(known, model, names);
}

}  // namespace octet
