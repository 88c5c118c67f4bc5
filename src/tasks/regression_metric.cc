#include "tasks/regression_metric.h"

#include <cmath>

#include "base/error.h"
#include "tasks/classification_metric.h"

namespace octet {

void RegressionMetric::add(const Predictions& predictions, const GroundTruth& truth) {
  require(!truth.targets.empty(), ErrorCode::kNotFound, "the labels of frame '", truth.id, "' hold no target values, which RMSE needs");
  require(truth.targets.size() == predictions.values.size(), ErrorCode::kShapeMismatch, "frame '", truth.id, "' has ", truth.targets.size(),
          " target values, but the model gives ", predictions.values.size());
  double squared = 0, absolute = 0;
  for (size_t i = 0; i < truth.targets.size(); ++i) {
    double error = static_cast<double>(predictions.values[i]) - static_cast<double>(truth.targets[i]);
    squared += error * error;
    absolute += std::fabs(error);
  }
  auto count = static_cast<double>(truth.targets.size());
  squared_.push_back(squared / count);
  absolute_.push_back(absolute / count);
}

double RegressionMetric::score(std::span<const uint32_t> weights) const { return std::sqrt(weighted_mean(squared_, weights)); }

std::vector<MetricValue> RegressionMetric::values() const {
  return {{"RMSE", score({})}, {"MAE", weighted_mean(absolute_, {})}};
}

}  // namespace octet
