#include "kernels/epilogue_int8/epilogue_int8.h"

#include <cstring>

#include "kernels/quantize/quantize.h"
#include "kernels/test_support.h"

namespace octet::kernels::epilogue_int8 {
namespace {

constexpr int64_t kCount = 4096;

struct alignas(64) Buffer {
  float v[kCount];
  explicit Buffer(const std::vector<float>& values) { std::memcpy(v, values.data(), sizeof v); }
};

TEST(EpilogueInt8, FunctionsMatchTheSeparateSteps) {
  Random random(5);
  for (int op = 0; op < unary_f32::kOps; ++op) {
    for (float scale : {0.0235f, 1.0f, 0.3f, 7e-42f, 3e38f, 0x1p-5f}) {
      const Function function{static_cast<unary_f32::Op>(op), {0.3f, 0.6f}, scale};
      std::vector<float> x = random.wild_floats(kCount);
      // Quotients beside the ties, where a product with the reciprocal would round the other way.
      for (int64_t i = 0; i < 512; ++i) {
        const float tie = (static_cast<float>(random.below(300) - 150) + 0.5f) * scale;
        x[static_cast<size_t>(i * 3)] = std::bit_cast<float>(std::bit_cast<int32_t>(tie) + static_cast<int32_t>(random.below(5)) - 2);
      }
      std::vector<float> y(x);
      unary_f32::reference.run(function.op, function.parameters, x.data(), y.data(), kCount);
      const int32_t zero = static_cast<int32_t>(random.below(256));
      std::vector<uint8_t> want(kCount);
      quantize::reference.tensor(y.data(), want.data(), kCount, scale, zero, {0, 255});
      for_each_kernel(entries(), [&](const char*, const Kernel& kernel) {
        Buffer buffer(x);
        kernel.function(function, static_cast<float>(-zero), static_cast<float>(255 - zero), buffer.v, kCount);
        for (size_t i = 0; i < kCount; ++i)
          ASSERT_EQ(std::bit_cast<int32_t>(buffer.v[i]) + zero, want[i]) << "op " << op << " scale " << scale << " x " << x[i];
      });
      if (HasFatalFailure()) return;
    }
  }
}

// Kernels may approximate a function where the byte does not depend on it: results all around the ties, for scales down to the least.
TEST(EpilogueInt8, BytesDoNotDependOnApproximations) {
  using unary_f32::Op;
  Random random(9);
  for (const auto& [op, alpha] : {std::pair(Op::kSilu, 0.0f), {Op::kSigmoid, 0.0f}, {Op::kQuickGelu, 1.702f}, {Op::kQuickGelu, 1.0f}, {Op::kQuickGelu, -1.0f}}) {
    for (float scale : {0.0235f, 1.0f / 255, 0.11f, 0x1p-14f, 0x1p-15f, 1e-7f}) {
      const Function function{op, {alpha, 0}, scale};
      std::vector<float> x(kCount);
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] = random.uniform(-1, 1) * (i % 4 == 0 ? 20.0f : i % 4 == 1 ? 120.0f : 300 * scale);
        if (i % 4 == 2) {   // a result half way between two bytes, and its neighbours
          const double tie = (static_cast<double>(random.below(255)) + 0.5) * scale;
          double low = -1, high = 40;
          for (int halving = 0; halving < 60; ++halving) {
            const double middle = (low + high) / 2;
            (unary_f32::evaluate(op, function.parameters, middle) < tie ? low : high) = middle;
          }
          const float at = static_cast<float>(low);
          x[i] = std::bit_cast<float>(std::bit_cast<int32_t>(at) + static_cast<int32_t>(random.below(1u << random.below(14))) - 64);
        }
      }
      x[0] = INFINITY, x[5] = -INFINITY, x[9] = NAN;
      Buffer want(x);
      reference.function(function, -40, 215, want.v, kCount);
      for_each_kernel(entries(), [&](const char* name, const Kernel& kernel) {
        Buffer got(x);
        kernel.function(function, -40, 215, got.v, kCount);
        for (size_t i = 0; i < kCount; ++i)
          ASSERT_EQ(std::bit_cast<int32_t>(got.v[i]), std::bit_cast<int32_t>(want.v[i])) << name << " op " << static_cast<int>(op) << " scale " << scale << " x " << x[i];
      });
      if (HasFatalFailure()) return;
    }
  }
}

TEST(EpilogueInt8, ResidualsMatchTheReference) {
  Random random(6);
  for (int round = 0; round < 40; ++round) {
    Residual residual;
    residual.is_signed = round % 2 != 0;
    residual.zero_point = static_cast<int32_t>(random.below(256)) - (residual.is_signed ? 128 : 0);
    residual.own_low = -static_cast<float>(random.below(256)), residual.own_high = residual.own_low + 255;
    residual.own_multiplier = round == 7 ? 1e20f : random.uniform(0.01f, 3), residual.multiplier = round == 9 ? 0.5f : random.uniform(0.01f, 3);
    const float low = -static_cast<float>(random.below(256)), high = low + 255;
    std::vector<float> x = random.wild_floats(kCount);
    for (int64_t i = 0; i < kCount; ++i)
      if (i % 3 != 0) x[static_cast<size_t>(i)] = static_cast<float>(random.below(1200) - 600) * 0.5f;
    const std::vector<uint8_t> b = random.bytes(kCount + 64);
    Buffer want(x);
    reference.residual(residual, low, high, want.v, b.data(), kCount);
    for_each_kernel(entries(), [&](const char*, const Kernel& kernel) {
      Buffer buffer(x);
      kernel.residual(residual, low, high, buffer.v, b.data(), kCount);
      for (size_t i = 0; i < kCount; ++i)
        ASSERT_EQ(std::bit_cast<int32_t>(buffer.v[i]), std::bit_cast<int32_t>(want.v[i])) << "round " << round << " x " << x[i] << " b " << +b[i];
    });
    if (HasFatalFailure()) return;
  }
}

TEST(EpilogueInt8, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::epilogue_int8
