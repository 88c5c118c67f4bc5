#include "tasks/metric.h"

#include "tasks/interval.h"

namespace octet {

Interval Metric::interval() const { return bootstrap_interval(*this); }

MetricResult Metric::result() const {
  MetricResult result;
  result.name = name();
  result.values = values();
  result.value = result.values.front().value;
  result.interval = interval();
  result.higher_is_better = higher_is_better();
  result.is_fraction = is_fraction();
  result.frames = frames();
  return result;
}

}  // namespace octet
