#include "calibrate/range.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace octet {

namespace {

constexpr const char* kNames[] = {"minmax", "percentile", "entropy", "mse", "moving-average"};

using Bins = std::vector<TensorStatistics::Bin>;

Range with_zero(Range range, bool symmetric) {
  range.lowest = std::min(range.lowest, 0.0f);
  range.highest = std::max(range.highest, 0.0f);
  if (symmetric) {
    range.highest = std::max(range.highest, -range.lowest);
    range.lowest = -range.highest;
  }
  return range;
}

// The shortest range from both tails that holds the share: equal numbers of values are cut on either side.
Range percentile_range(const Bins& bins, int64_t total, double percentile) {
  auto cut = static_cast<int64_t>(static_cast<double>(total) * (1 - percentile / 100) / 2);
  Range range{bins.front().value, bins.back().value};
  int64_t seen = 0;
  for (const auto& bin : bins) {
    seen += bin.count;
    range.lowest = bin.value;
    if (seen > cut) break;
  }
  seen = 0;
  for (size_t i = bins.size(); i-- > 0;) {
    seen += bins[i].count;
    range.highest = bins[i].value;
    if (seen > cut) break;
  }
  return range;
}

using Function = std::function<double(double)>;

// Mean squared error of f when its argument is rounded to `levels` steps over the range, and cut off outside. No f: the identity.
double squared_error(const Bins& bins, Range range, int levels, const Function& f) {
  double scale = (static_cast<double>(range.highest) - range.lowest) / (levels - 1);
  if (!(scale > 0)) scale = 1;
  double zero_point = std::nearbyint(-range.lowest / scale);
  std::vector<double> results;   // f of every level
  if (f)
    for (int q = 0; q < levels; ++q) results.push_back(f((q - zero_point) * scale));
  double error = 0;
  for (const auto& bin : bins) {
    double q = std::clamp(std::nearbyint(bin.value / scale) + zero_point, 0.0, static_cast<double>(levels - 1));
    double difference = f ? results[static_cast<size_t>(q)] - f(bin.value) : (q - zero_point) * scale - bin.value;
    error += difference * difference * static_cast<double>(bin.count);
  }
  return error;
}

// Shrinks the two ends in turn, each over a grid of shares of the full range, until neither move helps.
Range mse_range(const Bins& bins, Range full, bool symmetric, int levels, const Function& f = {}) {
  constexpr int kSteps = 80;
  Range best = full;
  double best_error = squared_error(bins, best, levels, f);
  auto try_range = [&](Range candidate) {
    double error = squared_error(bins, candidate, levels, f);
    if (error >= best_error) return false;
    best_error = error;
    best = candidate;
    return true;
  };
  auto shares = [&](auto&& candidate) {
    bool moved = false;
    for (int step = 1; step < kSteps; ++step) moved |= try_range(candidate(1 - static_cast<float>(step) / kSteps));
    return moved;
  };
  if (symmetric) {
    shares([&](float share) { return Range{full.lowest * share, full.highest * share}; });
    return best;
  }
  for (int round = 0; round < 3; ++round) {
    Range start = best;
    bool moved = shares([&](float share) { return Range{start.lowest, full.highest * share}; });
    start = best;
    if (full.lowest < 0) moved |= shares([&](float share) { return Range{full.lowest * share, start.highest}; });
    if (!moved) break;
  }
  return best;
}

// KL divergence between the distribution inside a range (with what lies outside piled on its ends) and the same
// distribution after merging it into `levels` bins and spreading each evenly over the bins that were not empty.
double divergence(const std::vector<double>& histogram, size_t first, size_t last, int levels) {
  size_t length = last - first;
  std::vector<double> reference(histogram.begin() + static_cast<std::ptrdiff_t>(first), histogram.begin() + static_cast<std::ptrdiff_t>(last));
  double below = 0, above = 0;
  for (size_t i = 0; i < first; ++i) below += histogram[i];
  for (size_t i = last; i < histogram.size(); ++i) above += histogram[i];
  std::vector<double> inside = reference;
  reference.front() += below;
  reference.back() += above;
  std::vector<double> quantized(length, 0.0);
  for (int level = 0; level < levels; ++level) {
    size_t begin = length * static_cast<size_t>(level) / static_cast<size_t>(levels);
    size_t end = length * static_cast<size_t>(level + 1) / static_cast<size_t>(levels);
    double sum = 0;
    int used = 0;
    for (size_t i = begin; i < end; ++i) {
      sum += inside[i];
      used += reference[i] > 0;
    }
    for (size_t i = begin; i < end; ++i)
      if (reference[i] > 0) quantized[i] = sum / used;
  }
  double reference_sum = 0, quantized_sum = 0;
  for (size_t i = 0; i < length; ++i) {
    reference_sum += reference[i];
    quantized_sum += quantized[i];
  }
  if (!(reference_sum > 0) || !(quantized_sum > 0)) return HUGE_VAL;
  double result = 0;
  for (size_t i = 0; i < length; ++i) {
    if (reference[i] <= 0) continue;
    double p = reference[i] / reference_sum, q = std::max(quantized[i] / quantized_sum, 1e-12);
    result += p * std::log(p / q);
  }
  return result;
}

Range entropy_range(const Bins& bins, Range full, bool symmetric, int levels) {
  constexpr size_t kLinearBins = 2048;
  double width = (static_cast<double>(full.highest) - full.lowest) / kLinearBins;
  if (!(width > 0)) return full;
  std::vector<double> histogram(kLinearBins, 0.0);
  for (const auto& bin : bins) {
    // Exact zeros say nothing about where to cut, and after Relu they would drown everything else.
    if (bin.value == 0) continue;
    auto index = static_cast<size_t>(std::clamp((bin.value - full.lowest) / width, 0.0, static_cast<double>(kLinearBins - 1)));
    histogram[index] += static_cast<double>(bin.count);
  }
  auto zero = static_cast<size_t>(std::clamp(-full.lowest / width, 0.0, static_cast<double>(kLinearBins)));
  Range best = full;
  double best_divergence = HUGE_VAL;
  // Both ends move towards zero by the same share of their own length.
  for (int share = 100; share >= 12; --share) {
    size_t first = zero - zero * static_cast<size_t>(share) / 100;
    size_t last = zero + (kLinearBins - zero) * static_cast<size_t>(share) / 100;
    if (last - first < static_cast<size_t>(levels)) break;
    double d = divergence(histogram, first, last, levels);
    if (d < best_divergence) {
      best_divergence = d;
      best = {static_cast<float>(full.lowest + width * static_cast<double>(first)), static_cast<float>(full.lowest + width * static_cast<double>(last))};
    }
  }
  return symmetric ? with_zero(best, true) : best;
}

}  // namespace

const char* calibrator_name(Calibrator calibrator) { return kNames[static_cast<int>(calibrator)]; }

Calibrator calibrator_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<Calibrator>(i);
  throw Error(ErrorCode::kInvalidArgument, text("unknown calibrator '", name, "'"), "known: minmax, percentile, entropy, mse, moving-average");
}

Range choose_range(const TensorStatistics& statistics, const RangeOptions& options) {
  Bins bins = statistics.bins();
  if (bins.empty()) return {0, 0};
  // Infinite values cannot be represented: the range covers what is finite, and they saturate.
  Range seen{std::isfinite(statistics.lowest()) ? statistics.lowest() : bins.front().value,
             std::isfinite(statistics.highest()) ? statistics.highest() : bins.back().value};
  Range full = with_zero(seen, options.symmetric);
  Range range = full;
  switch (options.calibrator) {
    case Calibrator::kMinMax: break;
    case Calibrator::kPercentile: range = percentile_range(bins, statistics.count(), options.percentile); break;
    case Calibrator::kEntropy: range = entropy_range(bins, full, options.symmetric, options.levels); break;
    case Calibrator::kMse: range = mse_range(bins, full, options.symmetric, options.levels); break;
    case Calibrator::kMovingAverage: {
      auto average = statistics.average_range();
      range = {average.lowest, average.highest};
      break;
    }
  }
  range = with_zero(range, options.symmetric);
  range.lowest = std::max(range.lowest, full.lowest);
  range.highest = std::min(range.highest, full.highest);
  return range;
}

Range choose_range_through(const TensorStatistics& statistics, const RangeOptions& options, const std::function<double(double)>& f) {
  Bins bins = statistics.bins();
  if (bins.empty()) return {0, 0};
  Range full = with_zero({bins.front().value, bins.back().value}, options.symmetric);
  return with_zero(mse_range(bins, full, options.symmetric, options.levels, f), options.symmetric);
}

}  // namespace octet
