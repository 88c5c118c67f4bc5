// Root mean square error and mean absolute error of numbers.
#pragma once

#include "tasks/metric.h"

namespace octet {

class RegressionMetric : public Metric {
 public:
  const char* name() const override { return "RMSE"; }
  bool higher_is_better() const override { return false; }
  bool is_fraction() const override { return false; }
  void add(const Predictions& predictions, const GroundTruth& truth) override;
  int64_t frames() const override { return static_cast<int64_t>(squared_.size()); }
  double score(std::span<const uint32_t> weights) const override;
  std::span<const double> contributions() const override { return squared_; }   // mean squared error of each frame
  std::vector<MetricValue> values() const override;

 private:
  std::vector<double> squared_, absolute_;
};

}  // namespace octet
