// Top-1 and top-5: the share of frames whose true class is the best, or among the five best.
#pragma once

#include "tasks/metric.h"

namespace octet {

class ClassificationMetric : public Metric {
 public:
  const char* name() const override { return "top1"; }
  void add(const Predictions& predictions, const GroundTruth& truth) override;
  int64_t frames() const override { return static_cast<int64_t>(top1_.size()); }
  double score(std::span<const uint32_t> weights) const override;
  std::span<const double> contributions() const override { return top1_; }
  std::vector<MetricValue> values() const override;   // top1; top5 when predictions list so many classes
  Interval interval() const override;                 // Wilson

 private:
  std::vector<double> top1_, top5_;
  size_t listed_ = 0;   // the most classes a prediction listed
};

// Mean of values, each counted weights[i] times; NaN for none.
double weighted_mean(std::span<const double> values, std::span<const uint32_t> weights);

}  // namespace octet
