#include "kernels/lstm_cell_f32/lstm_cell_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::lstm_cell_f32 {
namespace {

TEST(LstmCellF32, EveryKernelMatchesTheReference) {
  Random random(71);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t units : sweep_counts())
      for (int variant = 0; variant < 32; ++variant) {
        auto values = [&](int64_t n) { return variant == 31 ? random.wild_floats(n) : random.floats(n, -4, 4); };
        const std::vector<float> input = values(4 * units), recurrent = values(4 * units), bias = values(4 * units), peephole = values(3 * units), before = values(units);
        Params p;
        if (variant & 1) p.bias = bias.data();
        if (variant & 2) p.peephole = peephole.data();
        if (variant & 4) p.clip = 1.5f;
        p.input_forget = variant & 8;
        const float* added = variant & 16 ? recurrent.data() : nullptr;
        std::vector<float> c(static_cast<size_t>(units) + 20, 9), h = c, got_c = c, got_h = c;
        reference.step(p, input.data(), added, before.data(), c.data(), h.data(), units);
        kernel.step(p, input.data(), added, before.data(), got_c.data(), got_h.data(), units);
        ASSERT_TRUE(same_bits(got_c, c)) << units << " variant " << variant;
        ASSERT_TRUE(same_bits(got_h, h)) << units << " variant " << variant;
        std::vector<float> in_place = before;
        kernel.step(p, input.data(), added, in_place.data(), in_place.data(), got_h.data(), units);
        for (size_t i = 0; i < before.size(); ++i) ASSERT_TRUE(same_bits(in_place[i], c[i]));
      }
  });
}

TEST(LstmCellF32, MatchesTheDefinitionInDouble) {
  const float input[] = {0.3f, -0.7f, 0.9f, 1.1f}, recurrent[] = {0.2f, 0.1f, -0.4f, -0.3f}, bias[] = {0.05f, 0.1f, 0.2f, -0.2f}, peephole[] = {0.5f, -0.4f, 0.3f};
  const float before = 0.8f;
  Params p;
  p.bias = bias;
  p.peephole = peephole;
  float c, h;
  reference.step(p, input, recurrent, &before, &c, &h, 1);
  auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const double i = sigmoid(0.55 + 0.5 * 0.8), f = sigmoid(0.7 + 0.3 * 0.8), cell = f * 0.8 + i * std::tanh(0.6), o = sigmoid(-0.5 - 0.4 * cell);
  EXPECT_NEAR(c, cell, 1e-6);
  EXPECT_NEAR(h, o * std::tanh(cell), 1e-6);
}

TEST(LstmCellF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::lstm_cell_f32
