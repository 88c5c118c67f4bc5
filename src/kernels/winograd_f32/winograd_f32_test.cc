#include "kernels/winograd_f32/winograd_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::winograd_f32 {
namespace {

TEST(WinogradF32, EveryKernelMatchesTheReference) {
  Random random(29);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t count : {0, 1, 3, 15, 16, 17, 32, 33, 100})
      for (bool wild : {false, true}) {
        auto values = [&](int64_t n) { return wild ? random.wild_floats(n) : random.floats(n, -2, 2); };
        const std::vector<float> picture = values(kPixels * (count + 1));
        const float* pixels[kPixels];
        for (int64_t p = 0; p < kPixels; ++p) pixels[p] = picture.data() + p * (count + 1);
        const int64_t step = count + 3;
        std::vector<float> want(static_cast<size_t>(kProducts * step), 4), got = want;
        reference.transform_input(pixels, count, want.data(), step);
        kernel.transform_input(pixels, count, got.data(), step);
        ASSERT_TRUE(same_bits(got, want)) << count;

        const std::vector<float> products = values(kProducts * step), bias = values(count), residual = values(kOutputs * step);
        for (int there = 0; there < 16; ++there)
          for (bool adds : {false, true}) {
            auto finish = [&](const Kernel& which) {
              std::vector<float> output(static_cast<size_t>(kOutputs * step), 4);
              Square square;
              square.products = products.data(), square.step = step, square.columns = count, square.bias = bias.data();
              square.low = -1.5f, square.high = there % 2 == 0 ? 1.25f : std::numeric_limits<float>::infinity();
              for (int64_t p = 0; p < kOutputs; ++p) {
                if ((there >> p & 1) == 0) continue;
                square.output[p] = output.data() + p * step;
                square.residual[p] = adds ? residual.data() + p * step : nullptr;
              }
              which.finish(square);
              return output;
            };
            ASSERT_TRUE(same_bits(finish(kernel), finish(reference))) << count << " " << there;
          }
      }
  });
}

// With the weights' transformation written down here, all three give the convolution.
TEST(WinogradF32, TheTransformationsMakeAConvolution) {
  Random random(31);
  const std::vector<float> d = random.floats(16, -1, 1), g = random.floats(9, -1, 1);
  const double G[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  const float* pixels[kPixels];
  for (size_t p = 0; p < kPixels; ++p) pixels[p] = &d[p];
  float v[kProducts], m[kProducts];
  reference.transform_input(pixels, 1, v, 1);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      double u = 0;
      for (int y = 0; y < 3; ++y)
        for (int x = 0; x < 3; ++x) u += G[i][y] * static_cast<double>(g[static_cast<size_t>(3 * y + x)]) * G[j][x];
      m[4 * i + j] = static_cast<float>(u) * v[4 * i + j];
    }
  const float bias = 0.5f;
  float y[kOutputs];
  Square square;
  square.products = m, square.step = 1, square.columns = 1, square.bias = &bias, square.low = -100, square.high = 100;
  for (int p = 0; p < kOutputs; ++p) square.output[p] = y + p;
  reference.finish(square);
  for (size_t p = 0; p < kOutputs; ++p) {
    double exact = 0.5;
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 3; ++j) exact += static_cast<double>(d[(p / 2 + i) * 4 + p % 2 + j]) * static_cast<double>(g[3 * i + j]);
    EXPECT_NEAR(y[p], exact, 2e-6) << p;
  }
}

TEST(WinogradF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::winograd_f32
