#include "calibrate/channel_statistics.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace octet {

void ChannelStatistics::add(const Tensor& tensor, int axis) {
  const Shape& shape = tensor.shape();
  require(axis >= 0 && axis < shape.rank(), ErrorCode::kShapeMismatch, "a tensor of shape ", shape, " has no axis ", axis, " to count channels on");
  auto channels = static_cast<size_t>(shape[axis]);
  if (sums_.empty()) {
    lowest_.assign(channels, 0.0f);
    highest_.assign(channels, 0.0f);
    sums_.assign(channels, 0.0);
    squares_.assign(channels, 0.0);
    counts_.assign(channels, 0);
  }
  require(channels == sums_.size(), ErrorCode::kShapeMismatch, "a value has ", channels, " channels here and ", sums_.size(), " elsewhere");
  int64_t outer = shape.elements(0, axis), inner = shape.elements(axis + 1, shape.rank());
  const float* x = tensor.data<float>();
  for (int64_t o = 0; o < outer; ++o)
    for (size_t c = 0; c < channels; ++c) {
      double sum = 0, squares = 0;
      float lowest = lowest_[c], highest = highest_[c];
      int64_t left_out = 0;
      for (int64_t i = 0; i < inner; ++i) {
        float value = *x++;
        if (!std::isfinite(value)) {
          ++left_out;
          continue;
        }
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
        sum += value;
        squares += static_cast<double>(value) * value;
      }
      lowest_[c] = lowest;
      highest_[c] = highest;
      sums_[c] += sum;
      squares_[c] += squares;
      counts_[c] += inner - left_out;
    }
}

float ChannelStatistics::largest(size_t channel) const { return std::max(-lowest_[channel], highest_[channel]); }

double ChannelStatistics::mean(size_t channel) const { return counts_[channel] > 0 ? sums_[channel] / static_cast<double>(counts_[channel]) : 0; }

double ChannelStatistics::mean_square(size_t channel) const {
  return counts_[channel] > 0 ? squares_[channel] / static_cast<double>(counts_[channel]) : 0;
}

}  // namespace octet
