// Mean average precision of boxes, as pycocotools computes it; see coco_accumulator.h.
//
// Values: AP (mean over IoU 0.50 … 0.95), AP50, AP75, AP_small, AP_medium, AP_large, AR. With a match IoU given (loosely drawn
// boxes, such as many faces) the one value is AP at that IoU, named after it: AP30.
#pragma once

#include <string>

#include "tasks/coco_accumulator.h"
#include "tasks/metric.h"

namespace octet {

struct DetectionMetricOptions {
  double match_iou = 0;        // 0: COCO's ten thresholds; else this one alone
  int max_detections = 100;    // per picture and class, as COCO
};

class DetectionMetric : public Metric {
 public:
  explicit DetectionMetric(const DetectionMetricOptions& options = {});

  const char* name() const override { return name_.c_str(); }
  void add(const Predictions& predictions, const GroundTruth& truth) override;
  int64_t frames() const override { return frames_; }
  double score(std::span<const uint32_t> weights) const override;
  int64_t score_cost() const override { return accumulator_.cost(); }
  std::vector<MetricValue> values() const override;

  struct ClassValue { int class_index; double precision; };
  std::vector<ClassValue> per_class() const;   // classes with a truth, in order of their index

 private:
  DetectionMetricOptions options_;
  std::string name_;
  CocoAccumulator accumulator_;
  int64_t frames_ = 0;
};

}  // namespace octet
