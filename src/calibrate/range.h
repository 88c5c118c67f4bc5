// From statistics to the range that 8 bits stand for.
#pragma once

#include <functional>
#include <string_view>

#include "calibrate/tensor_statistics.h"

namespace octet {

enum class Calibrator : uint8_t {
  kMinMax,       // everything that was seen
  kPercentile,   // all but the rarest values (1712.05877 §3, NVIDIA 2004.09602)
  kEntropy,      // least KL divergence between the distribution and its quantized form (2004.09602)
  kMse,          // least mean squared error of the quantized values (1810.05723 minimises the same quantity)
  kMovingAverage,   // smoothed range of each frame (1712.05877 §3.1): rare extremes of single frames count little
};

const char* calibrator_name(Calibrator calibrator);                  // "minmax", "percentile", "entropy", "mse", "moving-average"
Calibrator calibrator_from_name(std::string_view name);              // throws Error

struct RangeOptions {
  Calibrator calibrator = Calibrator::kMinMax;
  double percentile = 99.99;       // kPercentile: the share of values (in %) that the range holds
  bool symmetric = false;          // lowest = −highest
  int levels = 256;
};

struct Range { float lowest, highest; };

// Always includes 0 (so that zero padding and Relu are exact) and never exceeds what was seen. An empty or constant-zero tensor gives
// [0, 0].
Range choose_range(const TensorStatistics& statistics, const RangeOptions& options);

// The range of a value that only a function f reads: the one with which f of the 8-bit values is nearest to f of the real ones, in
// the mean square. Where f is flat (SiLU far below zero, Sigmoid on both sides) precision would be wasted, whatever was seen there.
Range choose_range_through(const TensorStatistics& statistics, const RangeOptions& options, const std::function<double(double)>& f);

}  // namespace octet
