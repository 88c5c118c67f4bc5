#include "kernels/minmax_f32/minmax_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::minmax_f32 {
namespace {

TEST(MinmaxF32, EveryKernelMatchesTheReference) {
  Random random(16);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t count : sweep_counts())
      for (int64_t offset : {0, 1, 5})
        for (int kind = 0; kind < 4; ++kind) {
          std::vector<float> x = kind == 0 ? random.wild_floats(count + offset) : random.floats(count + offset, 3, 9);
          if (kind == 2) for (float& v : x) v = random.below(2) ? 0.0f : -0.0f;
          if (kind == 3) for (float& v : x) v = NAN;
          float want[2], got[2];
          reference.run(x.data() + offset, count, want, want + 1);
          kernel.run(x.data() + offset, count, got, got + 1);
          ASSERT_TRUE(same_bits(got[0], want[0]) && same_bits(got[1], want[1])) << count << " kind " << kind;
        }
  });
}

TEST(MinmaxF32, PassesOverNan) {
  const float x[] = {NAN, 2, -3, NAN};
  float low, high;
  reference.run(x, 4, &low, &high);
  EXPECT_EQ(low, -3);
  EXPECT_EQ(high, 2);
  reference.run(x, 1, &low, &high);
  EXPECT_EQ(low, INFINITY);
  EXPECT_EQ(high, -INFINITY);
}

TEST(MinmaxF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::minmax_f32
