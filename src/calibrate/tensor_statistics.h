// What calibration remembers of a tensor: its range and a histogram, in constant memory however many frames pass.
//
// The histogram counts values by the upper 16 bits of the float (sign, exponent, 7 bits of mantissa): every bin is
// narrower than 1 % of its value, at every magnitude, without a first pass to find the range. Counters have 64 bits and merging adds
// them, so the result is the same however the frames were divided and in whatever order they came.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace octet {

class TensorStatistics {
 public:
  void add(std::span<const float> values);   // NaN is counted apart and otherwise ignored; infinities go into the range only
  void merge(const TensorStatistics& other);

  int64_t count() const { return count_; }        // finite values seen
  int64_t nan_count() const { return nan_count_; }
  float lowest() const { return lowest_; }         // +inf when nothing was seen
  float highest() const { return highest_; }       // -inf when nothing was seen

  // The moving average of each call's range (B. Jacob et al., 1712.05877, §3.1), smoothed by 0.9. It depends on the order of the frames,
  // so neither merged nor loaded statistics have one: Error.
  struct AverageRange { float lowest, highest; };
  AverageRange average_range() const;

  // The bins that are not empty, by ascending value: the middle of the bin and how many values fell into it.
  struct Bin { float value; int64_t count; };
  std::vector<Bin> bins() const;

  // A compact form for files: shards of a calibration are saved, joined elsewhere and read back.
  std::string save() const;
  static TensorStatistics load(std::string_view bytes);   // throws Error when damaged

 private:
  std::vector<uint64_t> histogram_;   // 65,536 counters once something was seen
  int64_t count_ = 0, nan_count_ = 0;
  double average_lowest_ = 0, average_highest_ = 0;
  bool averaged_ = false, joined_ = false;
  float lowest_ = std::numeric_limits<float>::infinity(), highest_ = -std::numeric_limits<float>::infinity();
};

}  // namespace octet
