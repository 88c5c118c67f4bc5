#include "kernels/layer_norm_f32/layer_norm_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::layer_norm_f32 {
namespace {

TEST(LayerNormF32, EveryKernelMatchesTheReference) {
  Random random(19);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t columns : {0, 1, 2, 7, 15, 16, 17, 32, 33, 64, 100, 384, 391})
      for (int64_t rows : {0, 1, 5})
        for (int variant = 0; variant < 12; ++variant) {
          const std::vector<float> x = variant < 2 ? random.wild_floats(rows * columns) : random.floats(rows * columns, -3, 5);
          const std::vector<float> scale = random.floats(columns, -2, 2), bias = random.floats(columns, -2, 2);
          Params p;
          p.rms = variant % 2;
          if (variant / 2 % 3 > 0) p.scale = scale.data();
          if (variant / 2 % 3 > 1) p.bias = bias.data();
          std::vector<float> want(x.size() + 40, 4), got = want;
          std::vector<float> means(static_cast<size_t>(rows), 0), inverses = means, got_means = means, got_inverses = means;
          p.means = means.data();
          p.inverses = inverses.data();
          reference.run(p, x.data(), want.data(), rows, columns);
          p.means = got_means.data();
          p.inverses = got_inverses.data();
          kernel.run(p, x.data(), got.data(), rows, columns);
          ASSERT_TRUE(same_bits(got, want)) << rows << "x" << columns << " variant " << variant;
          ASSERT_TRUE(same_bits(got_means, means));
          ASSERT_TRUE(same_bits(got_inverses, inverses));
          std::vector<float> in_place = x;
          kernel.run(p, in_place.data(), in_place.data(), rows, columns);
          for (size_t i = 0; i < x.size(); ++i) ASSERT_TRUE(same_bits(in_place[i], want[i]));
        }
  });
}

TEST(LayerNormF32, FusedKernelsMatchTheReference) {
  Random random(21);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t columns : {1, 15, 16, 17, 33, 64, 391})
      for (int variant = 0; variant < 48; ++variant) {
        const int64_t rows = 3, count = rows * columns;
        const bool wild = variant >= 24, bytes_out = variant % 2, keeps = variant / 2 % 2;
        const std::vector<float> x = wild ? random.wild_floats(count) : random.floats(count, -3, 5), skip = random.floats(count, -3, 5);
        const std::vector<float> scale = random.floats(columns, -2, 2), bias = random.floats(columns, -2, 2);
        const std::vector<uint8_t> skip_bytes = random.bytes(count);
        Fused f;
        f.x = x.data();
        f.params.rms = variant % 5 == 0;
        if (variant % 3 > 0) f.params.scale = scale.data();
        if (variant % 3 > 1) f.params.bias = bias.data();
        if (variant / 4 % 3 == 1) f.skip = skip.data();
        if (variant / 4 % 3 == 2) f.skip_bytes = skip_bytes.data(), f.skip_scale = 0.02f, f.skip_signed = variant % 2, f.skip_zero_point = f.skip_signed ? -3 : 130;
        f.keeps_sum = keeps;
        f.y_scale = 0.013f;
        if (variant % 7 == 0) f.y_low = -128, f.y_high = 127, f.y_zero_point = -5;
        struct Results { std::vector<float> sum, y; std::vector<uint8_t> bytes; };
        Results want{std::vector<float>(x.size(), 1), std::vector<float>(x.size(), 2), std::vector<uint8_t>(x.size(), 3)}, got = want;
        auto run = [&](const Kernel& k, Results& r) {
          f.sum = r.sum.data();
          f.y = bytes_out ? nullptr : r.y.data();
          f.y_bytes = bytes_out ? r.bytes.data() : nullptr;
          k.fused(f, rows, columns);
        };
        run(reference, want);
        run(kernel, got);
        ASSERT_TRUE(same_bits(got.y, want.y)) << columns << " variant " << variant;
        ASSERT_TRUE(same_bits(got.bytes, want.bytes)) << columns << " variant " << variant;
        ASSERT_TRUE(same_bits(got.sum, want.sum)) << columns << " variant " << variant;
      }
  });
}

TEST(LayerNormF32, MatchesTheDefinitionInDouble) {
  Random random(20);
  const int64_t n = 77;
  const std::vector<float> x = random.floats(n, -3, 5), scale = random.floats(n, -2, 2), bias = random.floats(n, -2, 2);
  for (bool rms : {false, true}) {
    double mean = 0, variance = 0;
    for (float v : x) mean += rms ? 0 : static_cast<double>(v) / n;
    for (float v : x) variance += (v - mean) * (v - mean) / n;
    Params p;
    p.rms = rms;
    p.scale = scale.data();
    p.bias = bias.data();
    std::vector<float> y(x.size());
    reference.run(p, x.data(), y.data(), 1, n);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * scale[i] + bias[i], 3e-6);
  }
}

TEST(LayerNormF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::layer_norm_f32
