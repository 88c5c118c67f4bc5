#include "calibrate/tensor_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace octet {

namespace {

constexpr size_t kBins = 65536;
constexpr char kMagic[8] = {'o', 'c', 't', 's', 't', 'a', 't', '1'};

float bin_middle(uint32_t bin) {
  // The bits below the upper 16 span one bin; its middle is at half of them.
  return std::bit_cast<float>((bin << 16) | 0x8000u);
}

}  // namespace

void TensorStatistics::add(std::span<const float> values) {
  if (values.empty()) return;
  if (histogram_.empty()) histogram_.resize(kBins);
  constexpr float kNone = std::numeric_limits<float>::infinity();
  float lowest = kNone, highest = -kNone;
  int64_t skipped = 0;
  float infinite_low = kNone, infinite_high = -kNone;
  for (float value : values) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7f800000u) == 0x7f800000u) {   // infinity or NaN
      ++skipped;
      if (std::isnan(value)) ++nan_count_;
      else (value < 0 ? infinite_low : infinite_high) = value;
      continue;
    }
    lowest = value < lowest ? value : lowest;
    highest = value > highest ? value : highest;
    ++histogram_[bits >> 16];
  }
  if (lowest <= highest) {
    constexpr double kSmoothing = 0.9;
    average_lowest_ = averaged_ ? kSmoothing * average_lowest_ + (1 - kSmoothing) * lowest : lowest;
    average_highest_ = averaged_ ? kSmoothing * average_highest_ + (1 - kSmoothing) * highest : highest;
    averaged_ = true;
  }
  if (infinite_low < 0) lowest = infinite_low;
  if (infinite_high > 0) highest = infinite_high;
  lowest_ = std::min(lowest_, lowest);
  highest_ = std::max(highest_, highest);
  count_ += static_cast<int64_t>(values.size()) - skipped;
}

TensorStatistics::AverageRange TensorStatistics::average_range() const {
  if (joined_)
    throw Error(ErrorCode::kInvalidArgument, "a moving average depends on the order of the frames: it cannot be made of saved or merged statistics",
                "calibrate on the frames themselves, or choose another calibrator");
  return {static_cast<float>(average_lowest_), static_cast<float>(average_highest_)};
}

void TensorStatistics::merge(const TensorStatistics& other) {
  joined_ = true;
  if (!other.histogram_.empty()) {
    if (histogram_.empty()) histogram_.resize(kBins);
    for (size_t i = 0; i < kBins; ++i) histogram_[i] += other.histogram_[i];
  }
  count_ += other.count_;
  nan_count_ += other.nan_count_;
  lowest_ = std::min(lowest_, other.lowest_);
  highest_ = std::max(highest_, other.highest_);
}

std::vector<TensorStatistics::Bin> TensorStatistics::bins() const {
  std::vector<Bin> list;
  if (histogram_.empty()) return list;
  auto append = [&](uint32_t bin) {
    if (histogram_[bin] == 0) return;
    float value = bin_middle(bin);
    // The tiniest bins around zero hold exact zeros above all (Relu); their middle would be a denormal.
    if ((bin & 0x7fffu) == 0) value = 0;
    // Nothing lies outside the range that was seen.
    list.push_back({std::min(std::max(value, lowest_), highest_), static_cast<int64_t>(histogram_[bin])});
  };
  for (uint32_t bin = kBins; bin-- > kBins / 2;) append(bin);   // negative values, from the largest magnitude down
  for (uint32_t bin = 0; bin < kBins / 2; ++bin) append(bin);
  return list;
}

// magic | count | nan_count | lowest | highest | number of bins | (index u32, counter u64)*
std::string TensorStatistics::save() const {
  std::string out(kMagic, sizeof kMagic);
  auto put = [&](const auto& value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(count_);
  put(nan_count_);
  put(lowest_);
  put(highest_);
  uint32_t used = 0;
  for (uint64_t counter : histogram_) used += counter != 0;
  put(used);
  for (uint32_t bin = 0; bin < histogram_.size(); ++bin)
    if (histogram_[bin] != 0) {
      put(bin);
      put(histogram_[bin]);
    }
  return out;
}

TensorStatistics TensorStatistics::load(std::string_view bytes) {
  auto damaged = [] { fail(ErrorCode::kInvalidModel, "the calibration statistics are damaged"); };
  size_t at = 0;
  auto get = [&](auto& value) {
    if (bytes.size() - at < sizeof value) damaged();
    std::memcpy(&value, bytes.data() + at, sizeof value);
    at += sizeof value;
  };
  char magic[sizeof kMagic];
  get(magic);
  if (std::memcmp(magic, kMagic, sizeof kMagic) != 0) damaged();
  TensorStatistics statistics;
  statistics.joined_ = true;
  get(statistics.count_);
  get(statistics.nan_count_);
  get(statistics.lowest_);
  get(statistics.highest_);
  uint32_t used = 0;
  get(used);
  if (used > 0) statistics.histogram_.resize(kBins);
  for (uint32_t i = 0; i < used; ++i) {
    uint32_t bin = 0;
    uint64_t counter = 0;
    get(bin);
    get(counter);
    if (bin >= kBins) damaged();
    statistics.histogram_[bin] = counter;
  }
  if (at != bytes.size()) damaged();
  return statistics;
}

}  // namespace octet
