#include "kernels/transpose/transpose.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/test_support.h"

namespace octet::kernels::transpose {
namespace {

TEST(Transpose, TilesOfEveryKernelMatchTheReference) {
  Random random(41);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int element_bytes : {1, 2, 4, 8})
      for (int64_t rows : {0, 1, 3, 4, 7, 8, 9, 16, 17, 31, 33})
        for (int64_t columns : {0, 1, 2, 4, 5, 8, 15, 16, 17, 40, 64})
          for (int64_t extra : {0, 3}) {
            const int64_t x_stride = columns + extra, y_stride = rows + extra;
            const std::vector<uint8_t> x = random.bytes((rows * x_stride + 1) * element_bytes + 1);
            std::vector<uint8_t> want(static_cast<size_t>((columns * y_stride + 1) * element_bytes) + 80, 7), got = want;
            reference.tile(element_bytes, x.data() + 1, x_stride, want.data() + 1, y_stride, rows, columns);
            kernel.tile(element_bytes, x.data() + 1, x_stride, got.data() + 1, y_stride, rows, columns);
            ASSERT_TRUE(same_bits(got, want)) << element_bytes << " bytes, " << rows << "x" << columns;
          }
  });
}

TEST(Transpose, EveryPermutationMovesEveryElement) {
  Random random(42);
  const std::vector<std::vector<int64_t>> shapes = {{}, {5}, {0, 3}, {17, 33}, {2, 3, 70}, {1, 20, 1, 65}, {2, 3, 4, 5}, {2, 3, 1, 4, 5}, {2, 2, 3, 2, 2, 3}};
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (const auto& shape : shapes)
      for (int element_bytes : {1, 2, 4, 8}) {
        std::vector<int64_t> permutation(shape.size());
        std::iota(permutation.begin(), permutation.end(), 0);
        do {
          int64_t elements = 1;
          for (int64_t n : shape) elements *= n;
          const std::vector<uint8_t> x = random.bytes(elements * element_bytes);
          std::vector<uint8_t> y(x.size(), 0);
          Plan plan;
          ASSERT_TRUE(make_plan(shape, permutation, element_bytes, plan));
          const int64_t split = plan.units / 3;
          run(kernel, plan, x.data(), y.data(), split, plan.units);
          run(kernel, plan, x.data(), y.data(), 0, split);
          for (int64_t e = 0; e < elements; ++e) {   // e counts output elements
            int64_t rest = e, from = 0;
            for (size_t i = shape.size(); i-- > 0;) {
              const auto axis = static_cast<size_t>(permutation[i]);
              int64_t stride = 1;
              for (size_t k = axis + 1; k < shape.size(); ++k) stride *= shape[k];
              from += rest % shape[axis] * stride;
              rest /= shape[axis];
            }
            ASSERT_EQ(std::memcmp(&y[static_cast<size_t>(e * element_bytes)], &x[static_cast<size_t>(from * element_bytes)], static_cast<size_t>(element_bytes)), 0);
          }
        } while (shape.size() < 6 && std::next_permutation(permutation.begin(), permutation.end()));
      }
  });
}

TEST(Transpose, PlansRefuseWhatTheyCannotHold) {
  Plan plan;
  EXPECT_FALSE(make_plan(std::vector<int64_t>{2, 3}, std::vector<int64_t>{1, 0}, 3, plan));
  EXPECT_FALSE(make_plan(std::vector<int64_t>{2, 3}, std::vector<int64_t>{0}, 4, plan));
  const std::vector<int64_t> shape(9, 2), reversed = {8, 7, 6, 5, 4, 3, 2, 1, 0};
  EXPECT_FALSE(make_plan(shape, reversed, 4, plan));
}

TEST(Transpose, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::transpose
