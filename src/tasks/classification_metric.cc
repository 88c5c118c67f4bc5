#include "tasks/classification_metric.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "tasks/interval.h"

namespace octet {

double weighted_mean(std::span<const double> values, std::span<const uint32_t> weights) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
    if (weight == 0) continue;
    sum += weight * values[i];
    count += weight;
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

void ClassificationMetric::add(const Predictions& predictions, const GroundTruth& truth) {
  require(truth.class_index >= 0, ErrorCode::kNotFound, "the labels of frame '", truth.id, "' hold no class, which top-1 needs");
  size_t rank = 0;
  while (rank < predictions.classes.size() && predictions.classes[rank].class_index != truth.class_index) ++rank;
  bool found = rank < predictions.classes.size();
  top1_.push_back(found && rank == 0 ? 1 : 0);
  top5_.push_back(found && rank < 5 ? 1 : 0);
  listed_ = std::max(listed_, predictions.classes.size());
}

double ClassificationMetric::score(std::span<const uint32_t> weights) const { return weighted_mean(top1_, weights); }

std::vector<MetricValue> ClassificationMetric::values() const {
  std::vector<MetricValue> out = {{"top1", score({})}};
  if (listed_ >= 5) out.push_back({"top5", weighted_mean(top5_, {})});
  return out;
}

Interval ClassificationMetric::interval() const {
  auto right = static_cast<double>(std::count(top1_.begin(), top1_.end(), 1.0));
  return wilson_interval(right, static_cast<double>(top1_.size()));
}

}  // namespace octet
