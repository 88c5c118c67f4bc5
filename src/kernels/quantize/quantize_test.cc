#include "kernels/quantize/quantize.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::quantize {
namespace {

const Range kRanges[] = {{0, 255}, {-128, 127}, {-127, 127}};

TEST(Quantize, EveryKernelMatchesTheReference) {
  Random random(14);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (Range range : kRanges)
      for (int64_t count : sweep_counts())
        for (int64_t offset : {0, 1, 3}) {
          const auto zero = static_cast<int32_t>(random.below(range.high - range.low + 1)) + range.low;
          const float scale = random.below(3) ? random.uniform(0.001f, 3) : 0.5f;
          const std::vector<float> x = random.wild_floats(count + offset);
          std::vector<uint8_t> want(x.size() + 40, 9), got = want;
          reference.tensor(x.data() + offset, want.data() + offset, count, scale, zero, range);
          kernel.tensor(x.data() + offset, got.data() + offset, count, scale, zero, range);
          ASSERT_TRUE(same_bits(got, want)) << count;
        }
    for (Range range : kRanges)
      for (int64_t channels : {1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 64, 65})
        for (int64_t rows : {0, 1, 3, 16, 17, 50}) {
          const std::vector<float> x = random.wild_floats(rows * channels), scales = random.floats(channels, 0.01f, 2);
          std::vector<int32_t> zeros(static_cast<size_t>(channels));
          for (auto& z : zeros) z = static_cast<int32_t>(random.below(range.high - range.low + 1)) + range.low;
          std::vector<uint8_t> want(x.size() + 40, 9), got = want;
          reference.channels(x.data(), want.data(), rows, channels, scales.data(), zeros.data(), range);
          kernel.channels(x.data(), got.data(), rows, channels, scales.data(), zeros.data(), range);
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          got.assign(got.size(), 9);
          want.assign(want.size(), 9);
          for (int64_t begin : {int64_t{0}, rows / 3}) {
            reference.nchw_to_nhwc(x.data(), want.data(), channels, rows, begin, rows - rows / 4, 0.25f, zeros[0], range);
            kernel.nchw_to_nhwc(x.data(), got.data(), channels, rows, begin, rows - rows / 4, 0.25f, zeros[0], range);
            ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          }
        }
  });
}

TEST(Quantize, FollowsTheContract) {
  auto value = [](float x, float scale, int32_t zero, Range range) {
    uint8_t y;
    reference.tensor(&x, &y, 1, scale, zero, range);
    return y;
  };
  EXPECT_EQ(value(0.5f, 1, 10, {0, 255}), 10);    // ties to even
  EXPECT_EQ(value(1.5f, 1, 10, {0, 255}), 12);
  EXPECT_EQ(value(-2.5f, 1, 10, {0, 255}), 8);
  EXPECT_EQ(value(NAN, 1, 10, {0, 255}), 10);
  EXPECT_EQ(value(INFINITY, 1, 10, {0, 255}), 255);
  EXPECT_EQ(value(-INFINITY, 1, 0, {-127, 127}), static_cast<uint8_t>(-127));
  EXPECT_EQ(value(-1e30f, 1e-3f, 3, {-128, 127}), 128);
}

// Where a quotient that is off by one unit in the last place would show.
TEST(Quantize, RoundsLikeADivisionAroundTies) {
  Random random(15);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int i = 0; i < 300; ++i) {
      const float scale = i % 3 == 0 ? std::ldexp(random.uniform(1, 2), static_cast<int>(random.below(250)) - 125) : random.uniform(1e-4f, 0.1f);
      const int32_t zero = i % 2 == 0 ? 0 : static_cast<int32_t>(random.below(256));
      std::vector<float> x;
      for (int32_t step = -zero - 2; step < 258 - zero; ++step) {
        float tie = (static_cast<float>(step) + 0.5f) * scale;
        for (int k = 0; k < 2; ++k) tie = std::nextafterf(tie, -INFINITY);
        for (int k = 0; k < 5; ++k, tie = std::nextafterf(tie, INFINITY)) x.push_back(tie);
      }
      std::vector<uint8_t> want(x.size()), got(x.size());
      reference.tensor(x.data(), want.data(), static_cast<int64_t>(x.size()), scale, zero, {0, 255});
      kernel.tensor(x.data(), got.data(), static_cast<int64_t>(x.size()), scale, zero, {0, 255});
      ASSERT_TRUE(same_bits(got, want)) << "scale " << scale;
    }
  });
}

TEST(Quantize, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::quantize
