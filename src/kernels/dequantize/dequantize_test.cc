#include "kernels/dequantize/dequantize.h"

#include "kernels/test_support.h"

namespace octet::kernels::dequantize {
namespace {

TEST(Dequantize, EveryKernelMatchesTheReference) {
  Random random(15);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (bool is_signed : {false, true}) {
      auto zero_point = [&] { return static_cast<int32_t>(random.below(256)) - (is_signed ? 128 : 0); };
      for (int64_t count : sweep_counts())
        for (int64_t offset : {0, 1, 3}) {
          const float scale = random.uniform(0.001f, 3);
          const int32_t zero = zero_point();
          const std::vector<uint8_t> x = random.bytes(count + offset);
          std::vector<float> want(x.size() + 40, 9), got = want;
          reference.tensor(x.data() + offset, is_signed, want.data() + offset, count, scale, zero);
          kernel.tensor(x.data() + offset, is_signed, got.data() + offset, count, scale, zero);
          ASSERT_TRUE(same_bits(got, want)) << count;
          std::vector<int32_t> wide(x.size());
          for (auto& v : wide) v = static_cast<int32_t>(random.bits());
          reference.int32_tensor(wide.data() + offset, want.data() + offset, count, scale);
          kernel.int32_tensor(wide.data() + offset, got.data() + offset, count, scale);
          ASSERT_TRUE(same_bits(got, want)) << count;
        }
      for (int64_t channels : {1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 64, 65})
        for (int64_t rows : {0, 1, 3, 16, 17, 50}) {
          const std::vector<uint8_t> x = random.bytes(rows * channels);
          const std::vector<float> scales = random.floats(channels, 0.01f, 2);
          std::vector<int32_t> zeros(static_cast<size_t>(channels)), wide(x.size());
          for (auto& z : zeros) z = zero_point();
          for (auto& v : wide) v = static_cast<int32_t>(random.bits());
          std::vector<float> want(x.size() + 40, 9), got = want;
          reference.channels(x.data(), is_signed, want.data(), rows, channels, scales.data(), zeros.data());
          kernel.channels(x.data(), is_signed, got.data(), rows, channels, scales.data(), zeros.data());
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          reference.int32_channels(wide.data(), want.data(), rows, channels, scales.data());
          kernel.int32_channels(wide.data(), got.data(), rows, channels, scales.data());
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          want.assign(want.size(), 9);
          got = want;
          reference.nhwc_to_nchw(x.data(), is_signed, want.data(), channels, rows, rows / 5, rows, scales[0], zeros[0]);
          kernel.nhwc_to_nchw(x.data(), is_signed, got.data(), channels, rows, rows / 5, rows, scales[0], zeros[0]);
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
        }
    }
  });
}

TEST(Dequantize, FollowsTheContract) {
  const uint8_t x = 200;
  float y;
  reference.tensor(&x, false, &y, 1, 0.5f, 100);
  EXPECT_EQ(y, 50);
  reference.tensor(&x, true, &y, 1, 0.5f, -50);
  EXPECT_EQ(y, -3);   // 200 is -56
}

TEST(Dequantize, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::dequantize
