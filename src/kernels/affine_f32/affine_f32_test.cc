#include "kernels/affine_f32/affine_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::affine_f32 {
namespace {

TEST(AffineF32, EveryKernelMatchesTheReference) {
  Random random(23);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t channels : {0, 1, 3, 15, 16, 17, 32, 33, 100})
      for (int64_t rows : {0, 1, 2, 9, 33})
        for (bool wild : {false, true}) {
          const std::vector<float> x = wild ? random.wild_floats(rows * channels) : random.floats(rows * channels, -2, 2);
          const std::vector<float> a = random.floats(channels, -2, 2), b = random.floats(channels, -2, 2);
          std::vector<float> want(x.size() + static_cast<size_t>(channels) + 40, 4), got = want;
          reference.channels(x.data(), want.data(), rows, channels, a.data(), b.data());
          kernel.channels(x.data(), got.data(), rows, channels, a.data(), b.data());
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          reference.plane(x.data(), want.data(), rows * channels, 1.7f, -0.3f);
          kernel.plane(x.data(), got.data(), rows * channels, 1.7f, -0.3f);
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          float moments[4];
          reference.moments_of_plane(x.data(), rows * channels, moments, moments + 1);
          kernel.moments_of_plane(x.data(), rows * channels, moments + 2, moments + 3);
          ASSERT_TRUE(same_bits(moments[0], moments[2]) && same_bits(moments[1], moments[3])) << rows << "x" << channels;
          std::vector<float> want_variance = want, got_variance = got;
          reference.moments_of_channels(x.data(), rows, channels, channels / 3, channels, want.data(), want_variance.data());
          kernel.moments_of_channels(x.data(), rows, channels, channels / 3, channels, got.data(), got_variance.data());
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << channels;
          ASSERT_TRUE(same_bits(got_variance, want_variance)) << rows << "x" << channels;
        }
  });
}

TEST(AffineF32, MomentsAreRight) {
  const float x[] = {1, 2, 3, 6};
  float mean, variance, means[2], variances[2];
  reference.moments_of_plane(x, 4, &mean, &variance);
  EXPECT_EQ(mean, 3);
  EXPECT_EQ(variance, 3.5f);
  reference.moments_of_channels(x, 2, 2, 0, 2, means, variances);
  EXPECT_EQ(means[1], 4);
  EXPECT_EQ(variances[1], 4);
}

TEST(AffineF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::affine_f32
