// What calibration remembers of each channel of a tensor: range, mean and mean square.
#pragma once

#include <cstdint>
#include <vector>

#include "octet/tensor.h"

namespace octet {

class ChannelStatistics {
 public:
  // `axis` counts the channels; every tensor must have as many as the first. NaN and infinities are left out.
  void add(const Tensor& tensor, int axis);

  size_t channels() const { return sums_.size(); }
  float lowest(size_t channel) const { return lowest_[channel]; }
  float highest(size_t channel) const { return highest_[channel]; }
  float largest(size_t channel) const;                 // of the magnitudes
  double mean(size_t channel) const;
  double mean_square(size_t channel) const;
  int64_t count(size_t channel) const { return counts_[channel]; }

 private:
  std::vector<float> lowest_, highest_;
  std::vector<double> sums_, squares_;
  std::vector<int64_t> counts_;
};

}  // namespace octet
