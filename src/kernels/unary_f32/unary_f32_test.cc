#include "kernels/unary_f32/unary_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::unary_f32 {
namespace {

Params params_of(Op op) {
  switch (op) {
    case Op::kClip: return {-1, 6};
    case Op::kLeakyRelu: return {0.1f, 0};
    case Op::kThresholdedRelu: return {0.7f, 0};
    case Op::kHardSigmoid: return {0.2f, 0.5f};
    case Op::kQuickGelu: return {1.702f, 0};
    case Op::kElu: case Op::kCelu: return {1.3f, 0};
    case Op::kSelu: return {1.67326f, 1.0507f};
    default: return {};
  }
}

TEST(UnaryF32, EveryKernelMatchesTheReference) {
  Random random(11);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int i = 0; i < kOps; ++i) {
      const Op op = static_cast<Op>(i);
      const Params params = params_of(op);
      for (int64_t count : sweep_counts())
        for (int64_t offset : {0, 1, 5}) {
          std::vector<float> x = random.wild_floats(count + offset + 20), want(x.size(), 7.0f), got = want;
          reference.run(op, params, x.data() + offset, want.data() + offset, count);
          kernel.run(op, params, x.data() + offset, got.data() + offset, count);
          ASSERT_TRUE(same_bits(got, want)) << "op " << i << " count " << count;
          kernel.run(op, params, x.data() + offset, x.data() + offset, count);   // in place
          for (int64_t k = offset; k < offset + count; ++k) ASSERT_TRUE(same_bits(x[static_cast<size_t>(k)], want[static_cast<size_t>(k)]));
        }
    }
  });
}

// The float formulas follow the double ones, and those the C library.
TEST(UnaryF32, FormulasAreRight) {
  for (int i = 0; i < kOps; ++i) {
    const Op op = static_cast<Op>(i);
    const Params params = params_of(op);
    for (float x = -30; x < 30; x += 0.0137f) {
      float y;
      reference.run(op, params, &x, &y, 1);
      const double want = evaluate(op, params, x);
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(y)) << i << " at " << x;
      } else {
        // Differences of nearly equal numbers (gelu's tail) leave an absolute error.
        ASSERT_NEAR(y, want, 1e-6 * std::fabs(want) + 3e-7 * std::fabs(x)) << "op " << i << " at " << x;
      }
    }
  }
  const double x = -1.7, a = 1.3f;
  auto value = [&](Op op) { return evaluate(op, params_of(op), x); };
  EXPECT_NEAR(value(Op::kGelu), 0.5 * x * std::erfc(-x / std::sqrt(2.0)), 1e-14);
  EXPECT_NEAR(value(Op::kGeluTanh), 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))), 1e-14);
  EXPECT_NEAR(value(Op::kMish), x * std::tanh(std::log1p(std::exp(x))), 1e-14);
  EXPECT_NEAR(value(Op::kElu), a * std::expm1(x), 1e-14);
  EXPECT_NEAR(value(Op::kCelu), a * std::expm1(x / a), 1e-14);
  EXPECT_NEAR(value(Op::kSoftplus), std::log1p(std::exp(x)), 1e-14);
  EXPECT_NEAR(value(Op::kHardSwish), x * (x / 6 + 0.5), 1e-14);
  EXPECT_NEAR(value(Op::kHardSigmoid), 0.2f * x + 0.5, 1e-14);
  EXPECT_NEAR(value(Op::kQuickGelu), x / (1 + std::exp(-1.702f * x)), 1e-14);
  EXPECT_NEAR(evaluate(Op::kMish, {}, 25), 25 * std::tanh(std::log1p(std::exp(25))), 1e-12);
}

TEST(UnaryF32, NanStaysNan) {
  for (int i = 0; i < kOps; ++i) {
    float x = NAN, y = 0;
    reference.run(static_cast<Op>(i), params_of(static_cast<Op>(i)), &x, &y, 1);
    EXPECT_TRUE(std::isnan(y)) << "op " << i;
  }
}

TEST(UnaryF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::unary_f32
