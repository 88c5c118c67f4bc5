// Object key point similarity (OKS), COCO's measure for poses, and key point average precision as pycocotools computes it.
//
//   OKS = mean over labelled points of exp(−d² / (2 · area · (2σ)²)),  d the distance, σ how far annotators differ
// The primary value is the mean OKS of top-down frames, one labelled person each (persons without a labelled point do not
// count). Values: OKS, AP, AP50, AP75. For AP the frames of one picture, whose ids are equal up to a '#', belong together.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tasks/metric.h"

namespace octet {

// OKS of predicted points against a labelled person. Without any labelled point COCO measures how far the points lie outside
// twice the box. `sigmas` has one value per point.
double object_keypoint_similarity(std::span<const PredictedPoint> points, const TruthPoints& truth, std::span<const double> sigmas,
                                  bool box_area = false);

class KeypointMetric : public Metric {
 public:
  // Sigmas of another skeleton; empty: COCO's 17, or 0.05 for each point of other skeletons.
  // `box_area` measures distances by the area of the labelled box; COCO takes that of the person's outline.
  explicit KeypointMetric(std::vector<double> sigmas = {}, bool box_area = false);

  const char* name() const override { return "OKS"; }
  void add(const Predictions& predictions, const GroundTruth& truth) override;
  int64_t frames() const override { return static_cast<int64_t>(similarity_.size()); }
  double score(std::span<const uint32_t> weights) const override;
  std::span<const double> contributions() const override { return similarity_; }
  std::vector<MetricValue> values() const override;

 private:
  struct Picture { std::vector<Detection> detections; std::vector<TruthPoints> truths; };

  std::span<const double> sigmas_for(size_t points);

  std::vector<double> sigmas_;
  bool box_area_;
  std::vector<double> similarity_;          // one per scored frame
  std::vector<std::string> order_;          // picture ids in order of their first frame
  std::map<std::string, Picture> pictures_;
};

}  // namespace octet
