#include "tasks/interval.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace octet {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kBootstrapWork = 1'500'000'000;   // frames' worth of work: a few seconds

// SplitMix64 (Steele, Lea, Flood 2014): the standard library's distributions differ between implementations.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t limit) {   // unbiased: the incomplete last block of the range is drawn again
    uint64_t rejected = (0 - limit) % limit;
    for (;;)
      if (uint64_t value = next(); value >= rejected) return value % limit;
  }

 private:
  uint64_t state_;
};

void resample(Random& random, std::vector<uint32_t>& weights) {
  std::fill(weights.begin(), weights.end(), 0);
  for (size_t i = 0; i < weights.size(); ++i) ++weights[random.below(weights.size())];
}

int resamples_within_reason(int asked, int64_t cost) {
  int64_t affordable = kBootstrapWork / std::max<int64_t>(cost, 1);
  return static_cast<int>(std::clamp<int64_t>(affordable, std::min(asked, 100), asked));
}

// Linear interpolation between order statistics, as NumPy's default. `sorted` is not empty.
double quantile(const std::vector<double>& sorted, double fraction) {
  double at = fraction * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<size_t>(at);
  size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - static_cast<double>(below));
}

Interval quantiles(std::vector<double>& values) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return {kNan, kNan};
  std::sort(values.begin(), values.end());
  return {quantile(values, .025), quantile(values, .975)};
}

bool right_or_wrong(std::span<const double> contributions) {
  return !contributions.empty() && std::all_of(contributions.begin(), contributions.end(), [](double c) { return c == 0 || c == 1; });
}

// McNemar's exact test: among the frames where the two disagree, each is as likely to be the better one.
double mcnemar(std::span<const double> a, std::span<const double> b) {
  int64_t only_a = 0, only_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    only_a += a[i] > b[i];
    only_b += b[i] > a[i];
  }
  int64_t total = only_a + only_b, fewer = std::min(only_a, only_b);
  if (total == 0) return 1;
  double tail = 0;   // P(X <= fewer), X binomial(total, 1/2), summed from logarithms
  for (int64_t k = 0; k <= fewer; ++k)
    tail += std::exp(std::lgamma(static_cast<double>(total + 1)) - std::lgamma(static_cast<double>(k + 1)) -
                     std::lgamma(static_cast<double>(total - k + 1)) - static_cast<double>(total) * std::log(2.0));
  return std::min(1.0, 2 * tail);
}

}  // namespace

Interval wilson_interval(double successes, double total, double z) {
  if (!(total > 0)) return {kNan, kNan};
  double p = successes / total, z2 = z * z / total;
  double centre = (p + z2 / 2) / (1 + z2);
  double half = z / (1 + z2) * std::sqrt(p * (1 - p) / total + z2 / (4 * total));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Interval bootstrap_interval(const Metric& metric, const BootstrapOptions& options) {
  if (metric.frames() == 0) return {kNan, kNan};
  Random random(options.seed);
  std::vector<uint32_t> weights(static_cast<size_t>(metric.frames()));
  std::vector<double> scores(static_cast<size_t>(resamples_within_reason(options.resamples, metric.score_cost())));
  for (double& score : scores) {
    resample(random, weights);
    score = metric.score(weights);
  }
  return quantiles(scores);
}

PairedDifference paired_difference(const Metric& a, const Metric& b, const BootstrapOptions& options) {
  require(a.frames() == b.frames(), ErrorCode::kInvalidArgument, "two models can only be compared on the same frames, but one was scored on ",
          a.frames(), " and the other on ", b.frames());
  PairedDifference out;
  out.difference = b.score({}) - a.score({});
  if (a.frames() == 0) return {kNan, {kNan, kNan}, 1};
  Random random(options.seed);
  std::vector<uint32_t> weights(static_cast<size_t>(a.frames()));
  std::vector<double> differences(static_cast<size_t>(resamples_within_reason(options.resamples, a.score_cost() + b.score_cost())));
  for (double& difference : differences) {
    resample(random, weights);
    difference = b.score(weights) - a.score(weights);
  }
  out.interval = quantiles(differences);
  if (right_or_wrong(a.contributions()) && right_or_wrong(b.contributions()) &&
      a.contributions().size() == b.contributions().size()) {
    out.p_value = mcnemar(a.contributions(), b.contributions());
  } else if (!differences.empty()) {
    auto count = static_cast<double>(differences.size());
    auto below = static_cast<double>(std::count_if(differences.begin(), differences.end(), [](double d) { return d <= 0; }));
    auto above = static_cast<double>(std::count_if(differences.begin(), differences.end(), [](double d) { return d >= 0; }));
    out.p_value = std::min(1.0, 2 * (std::min(below, above) + 1) / (count + 1));
  }
  return out;
}

}  // namespace octet
