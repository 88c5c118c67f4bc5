// What the kernel tests share: running every kernel the machine supports against the reference, bit for bit.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/select.h"

namespace octet::kernels {

// Calls body(name, kernel) for each kernel of the list that this machine can run; says which it cannot.
template <typename Kernel, typename Body>
void for_each_kernel(std::span<const Entry<Kernel>> entries, Body body) {
  int ran = 0;
  for (const auto& entry : entries) {
    if (!isa_supported(entry.isa)) {
      printf("skipped %s: this machine lacks %s\n", entry.name, isa_name(entry.isa));
      continue;
    }
    SCOPED_TRACE(entry.name);
    body(entry.name, *entry.kernel);
    ++ran;
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GE(ran, 1);
}

// The selection for each level this machine has names the kernel made for it.
template <typename Kernel>
void expect_selection(std::span<const Entry<Kernel>> entries) {
  EXPECT_STREQ(select(entries, Isa::kReference).name, "reference");
  for (const auto& entry : entries)
    if (isa_supported(entry.isa)) {
      EXPECT_STREQ(select(entries, entry.isa).name, entry.name);
    }
}

// Equal bits, or both NaN: payloads differ between processors.
inline bool same_bits(float a, float b) {
  return (a != a && b != b) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}
inline bool same_bits(uint8_t a, uint8_t b) { return a == b; }
inline bool same_bits(uint16_t a, uint16_t b) { return a == b; }
inline bool same_bits(int32_t a, int32_t b) { return a == b; }
inline bool same_bits(int64_t a, int64_t b) { return a == b; }

template <typename T>
testing::AssertionResult same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << "sizes " << a.size() << " and " << b.size();
  for (size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i], b[i])) return testing::AssertionFailure() << "element " << i << " of " << a.size() << ": " << +a[i] << " is not " << +b[i];
  return testing::AssertionSuccess();
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t bits() { return engine_(); }
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  float uniform(float low, float high) { return low + (high - low) * static_cast<float>(engine_() >> 8) * 0x1p-24f; }

  std::vector<float> floats(int64_t count, float low, float high) {
    std::vector<float> v(static_cast<size_t>(count));
    for (float& x : v) x = uniform(low, high);
    return v;
  }
  // Ordinary values with every kind of special one among them.
  std::vector<float> wild_floats(int64_t count) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kSpecial[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(),
                                  1e-45f, -1e-45f, 1e-39f, 3.4e38f, -3.4e38f, 88.7f, 88.8f, -87.4f, -103.9f, -104.1f, 20.0f, 8388609.0f, -8388607.5f};
    std::vector<float> v(static_cast<size_t>(count));
    for (float& x : v) switch (engine_() % 8) {
        case 0: x = kSpecial[engine_() % std::size(kSpecial)]; break;
        case 1: x = std::bit_cast<float>(static_cast<uint32_t>(engine_())); break;
        case 2: x = uniform(-100, 100); break;
        default: x = uniform(-4, 4); break;
      }
    return v;
  }
  std::vector<uint8_t> bytes(int64_t count) {
    std::vector<uint8_t> v(static_cast<size_t>(count));
    for (uint8_t& x : v) {
      uint32_t r = bits();
      x = r % 16 == 0 ? 0 : r % 16 == 1 ? 255 : r % 16 == 2 ? 128 : r % 16 == 3 ? 127 : static_cast<uint8_t>(r >> 8);
    }
    return v;
  }

 private:
  std::mt19937 engine_;
};

// Lengths that meet every tail of every vector width.
inline const std::vector<int64_t>& sweep_counts() {
  static const std::vector<int64_t> counts = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 127, 129, 255, 1000};
  return counts;
}

}  // namespace octet::kernels
