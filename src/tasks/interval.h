// How sure a score is: 95 % intervals, and the comparison of two models on the same frames.
//
// Everything is deterministic: the bootstrap draws from a fixed seed with a generator of its own.
#pragma once

#include <cstdint>

#include "tasks/metric.h"

namespace octet {

inline constexpr double kTwoSided95 = 1.959963984540054;   // the normal distribution's 97.5 % quantile

// Wilson's interval of a fraction: stays inside [0, 1] and is right for few frames, where value ± z·σ is not.
// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. NaN for total = 0.
Interval wilson_interval(double successes, double total, double z = kTwoSided95);

struct BootstrapOptions {
  int resamples = 1000;     // fewer where they would take long, never below 100
  uint64_t seed = 1;
};

// Percentile bootstrap over frames (B. Efron, 1979): the 2.5 % and 97.5 % quantiles of the score over resampled frames.
Interval bootstrap_interval(const Metric& metric, const BootstrapOptions& options = {});

struct PairedDifference {
  double difference = 0;      // score of b − score of a
  Interval interval;          // 95 %, from resampling frames for both at once
  double p_value = 1;         // two-sided: how often chance alone gives as large a difference. Exact McNemar test for metrics of
                              // right-or-wrong frames, from the bootstrap otherwise
};

// Both metrics must have seen the same frames in the same order; throws Error when their number differs.
PairedDifference paired_difference(const Metric& a, const Metric& b, const BootstrapOptions& options = {});

}  // namespace octet
