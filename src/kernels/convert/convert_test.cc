#include "kernels/convert/convert.h"

#include <cmath>
#include <cstring>

#include "base/half.h"
#include "kernels/test_support.h"

namespace octet::kernels::convert {
namespace {

// Runs one conversion of `kernel` and of the reference over the same bytes, every tail and offset.
template <typename From, typename To>
void compare(Random& random, const Kernel& kernel, void (*Kernel::*function)(const From*, To*, int64_t)) {
  for (int64_t count : sweep_counts())
    for (int64_t offset : {0, 1}) {
      std::vector<From> x(static_cast<size_t>(count + offset) + 1);
      if constexpr (std::is_same_v<From, float>) {
        x = random.wild_floats(count + offset + 1);
      } else {
        const std::vector<uint8_t> bytes = random.bytes(static_cast<int64_t>(x.size() * sizeof(From)));
        std::memcpy(x.data(), bytes.data(), bytes.size());
      }
      std::vector<To> want(x.size() + 20), got(x.size() + 20);
      std::memset(want.data(), 3, want.size() * sizeof(To));
      std::memset(got.data(), 3, got.size() * sizeof(To));
      (reference.*function)(x.data() + offset, want.data() + offset, count);
      (kernel.*function)(x.data() + offset, got.data() + offset, count);
      ASSERT_EQ(std::memcmp(want.data(), got.data(), want.size() * sizeof(To)), 0) << count;   // NaN payloads too
    }
}

TEST(Convert, EveryKernelMatchesTheReference) {
  Random random(81);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    compare(random, kernel, &Kernel::f16_to_f32);
    compare(random, kernel, &Kernel::f32_to_f16);
    compare(random, kernel, &Kernel::bf16_to_f32);
    compare(random, kernel, &Kernel::f32_to_bf16);
    compare(random, kernel, &Kernel::i32_to_f32);
    compare(random, kernel, &Kernel::u8_to_f32);
    compare(random, kernel, &Kernel::i64_to_f32);
    compare(random, kernel, &Kernel::i64_to_i32);
    compare(random, kernel, &Kernel::i32_to_i64);
  });
}

TEST(Convert, EveryHalfFloatOnEveryKernel) {
  std::vector<Float16> codes(65536);
  for (size_t i = 0; i < codes.size(); ++i) codes[i].bits = static_cast<uint16_t>(i);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    std::vector<float> wide(codes.size());
    std::vector<Float16> back(codes.size());
    kernel.f16_to_f32(codes.data(), wide.data(), 65536);
    kernel.f32_to_f16(wide.data(), back.data(), 65536);
    for (size_t i = 0; i < codes.size(); ++i) {
      ASSERT_TRUE(same_bits(wide[i], to_float(codes[i])));
      if (!std::isnan(wide[i])) ASSERT_EQ(back[i].bits, codes[i].bits);
    }
  });
}

TEST(Convert, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::convert
