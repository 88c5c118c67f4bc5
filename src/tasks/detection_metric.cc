#include "tasks/detection_metric.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace octet {

namespace {

std::vector<double> thresholds_of(const DetectionMetricOptions& options) {
  if (options.match_iou == 0) return coco_iou_thresholds();
  require(options.match_iou > 0 && options.match_iou <= 1, ErrorCode::kInvalidArgument, "match_iou is ", options.match_iou,
          ", it must be above 0 and at most 1");
  return {options.match_iou};
}

std::vector<AreaRange> ranges_of(const DetectionMetricOptions& options) {
  auto all = coco_area_ranges();
  return {all.begin(), options.match_iou == 0 ? all.end() : all.begin() + 1};
}

double box_area(const TruthBox& box) {
  return static_cast<double>(box.x2 - box.x1) * static_cast<double>(box.y2 - box.y1);
}

// pycocotools' maskApi.c, bbIou: overlap with a crowd is measured against the detection alone.
double similarity(const Detection& detection, const TruthBox& truth) {
  double width = static_cast<double>(std::min(detection.x2, truth.x2)) - std::max(detection.x1, truth.x1);
  double height = static_cast<double>(std::min(detection.y2, truth.y2)) - std::max(detection.y1, truth.y1);
  if (!(width > 0) || !(height > 0)) return 0;
  double intersection = width * height;
  double total = truth.is_crowd ? detection.area() : detection.area() + box_area(truth) - intersection;
  return total > 0 ? intersection / total : 0;
}

}  // namespace

DetectionMetric::DetectionMetric(const DetectionMetricOptions& options)
    : options_(options), accumulator_(thresholds_of(options), ranges_of(options), options.max_detections) {
  name_ = options.match_iou == 0 ? "AP" : text("AP", static_cast<int64_t>(std::lround(options.match_iou * 100)));
}

void DetectionMetric::add(const Predictions& predictions, const GroundTruth& truth) {
  require(truth.has_boxes, ErrorCode::kNotFound, "the labels of frame '", truth.id, "' hold no boxes, which average precision needs");
  struct Group { std::vector<const Detection*> detections; std::vector<const TruthBox*> truths; };
  std::map<int, Group> groups;
  for (const Detection& detection : predictions.detections) groups[detection.class_index].detections.push_back(&detection);
  for (const TruthBox& box : truth.boxes) groups[box.class_index].truths.push_back(&box);
  auto frame = static_cast<uint32_t>(frames_++);
  for (const auto& [category, group] : groups) {
    std::vector<CocoAccumulator::Scored> scored;
    std::vector<CocoAccumulator::Truth> truths;
    std::vector<double> similarities;
    for (const TruthBox* box : group.truths)
      truths.push_back({box->area > 0 ? static_cast<double>(box->area) : box_area(*box), false, box->is_crowd});
    for (const Detection* detection : group.detections) {
      scored.push_back({detection->score, detection->area()});
      for (const TruthBox* box : group.truths) similarities.push_back(similarity(*detection, *box));
    }
    accumulator_.add(category, frame, scored, truths, similarities);
  }
}

double DetectionMetric::score(std::span<const uint32_t> weights) const {
  return accumulator_.precision(0, CocoAccumulator::kAllThresholds, weights);
}

std::vector<MetricValue> DetectionMetric::values() const {
  std::vector<MetricValue> out = {{name_, score({})}};
  if (options_.match_iou == 0) {
    out.push_back({"AP50", accumulator_.precision(0, 0)});
    out.push_back({"AP75", accumulator_.precision(0, 5)});
    for (size_t range = 1; range < accumulator_.ranges().size(); ++range)
      out.push_back({text("AP_", accumulator_.ranges()[range].name), accumulator_.precision(range)});
  }
  out.push_back({"AR", accumulator_.recall(0)});
  return out;
}

std::vector<DetectionMetric::ClassValue> DetectionMetric::per_class() const {
  std::vector<ClassValue> out;
  for (int category : accumulator_.categories())
    if (double value = accumulator_.category_precision(category, 0); !std::isnan(value)) out.push_back({category, value});
  return out;
}

}  // namespace octet
