#include "kernels/gru_cell_f32/gru_cell_f32.h"

#include <cmath>
#include <limits>

#include "kernels/test_support.h"

namespace octet::kernels::gru_cell_f32 {
namespace {

TEST(GruCellF32, EveryKernelMatchesTheReference) {
  Random random(72);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t units : sweep_counts())
      for (int variant = 0; variant < 8; ++variant) {
        auto values = [&](int64_t n) { return variant == 7 ? random.wild_floats(n) : random.floats(n, -4, 4); };
        const std::vector<float> input = values(3 * units), recurrent = values(3 * units), bias = values(3 * units), recurrent_bias = values(3 * units), before = values(units);
        const float clip = variant & 1 ? 1.5f : std::numeric_limits<float>::infinity();
        const float* b = variant & 2 ? bias.data() : nullptr;
        const float* rb = variant & 4 ? recurrent_bias.data() : nullptr;
        std::vector<float> a(static_cast<size_t>(units) + 20, 9), r = a, got_a = a, got_r = a;
        reference.gates(input.data(), recurrent.data(), b, clip, before.data(), a.data(), r.data(), units);
        kernel.gates(input.data(), recurrent.data(), b, clip, before.data(), got_a.data(), got_r.data(), units);
        ASSERT_TRUE(same_bits(got_a, a) && same_bits(got_r, r)) << units;
        reference.finish(input.data(), recurrent.data(), b, clip, a.data(), before.data(), r.data(), units);
        kernel.finish(input.data(), recurrent.data(), b, clip, a.data(), before.data(), got_r.data(), units);
        ASSERT_TRUE(same_bits(got_r, r)) << units;
        reference.step(input.data(), recurrent.data(), b, rb, clip, before.data(), a.data(), units);
        kernel.step(input.data(), recurrent.data(), b, rb, clip, before.data(), got_a.data(), units);
        ASSERT_TRUE(same_bits(got_a, a)) << units;
      }
  });
}

TEST(GruCellF32, MatchesTheDefinitionInDouble) {
  const float input[] = {0.3f, -0.7f, 0.9f}, recurrent[] = {0.2f, 0.1f, -0.4f}, bias[] = {0.05f, 0.1f, 0.2f}, recurrent_bias[] = {0.1f, -0.1f, 0.3f};
  const float before = 0.8f, clip = std::numeric_limits<float>::infinity();
  auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  float h, z, reset;
  reference.step(input, recurrent, bias, recurrent_bias, clip, &before, &h, 1);
  double update = sigmoid(0.65), r = sigmoid(-0.6), n = std::tanh(1.1 + r * -0.1);
  EXPECT_NEAR(h, (1 - update) * n + update * 0.8, 1e-6);
  reference.gates(input, recurrent, bias, clip, &before, &z, &reset, 1);
  EXPECT_NEAR(z, sigmoid(0.55), 1e-6);
  EXPECT_NEAR(reset, sigmoid(-0.5) * 0.8, 1e-6);
  reference.finish(input + 2, recurrent + 2, bias + 2, clip, &z, &before, &h, 1);
  EXPECT_NEAR(h, (1 - sigmoid(0.55)) * std::tanh(0.7) + sigmoid(0.55) * 0.8, 1e-6);
}

TEST(GruCellF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::gru_cell_f32
