#include "kernels/softmax_f32/softmax_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::softmax_f32 {
namespace {

using Function = void (*Kernel::*)(const float*, float*, int64_t, int64_t, int64_t, int64_t);
const Function kFunctions[] = {&Kernel::softmax, &Kernel::log_softmax, &Kernel::softmax_columns, &Kernel::log_softmax_columns};

TEST(SoftmaxF32, EveryKernelMatchesTheReference) {
  Random random(17);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (Function function : kFunctions)
      for (int64_t columns : {0, 1, 2, 7, 15, 16, 17, 32, 33, 80, 197, 1000})
        for (int64_t rows : {0, 1, 3, 17})
          for (bool wild : {false, true}) {
            const int64_t x_stride = columns + 2, y_stride = columns + 5;
            const std::vector<float> x = wild ? random.wild_floats(rows * x_stride + 1) : random.floats(rows * x_stride + 1, -20, 20);
            std::vector<float> want(static_cast<size_t>(rows * y_stride + 40), 4), got = want;
            (reference.*function)(x.data() + 1, want.data(), rows, columns, x_stride, y_stride);
            (kernel.*function)(x.data() + 1, got.data(), rows, columns, x_stride, y_stride);
            ASSERT_TRUE(same_bits(got, want)) << rows << "x" << columns;
            std::vector<float> in_place = x;
            (kernel.*function)(in_place.data() + 1, in_place.data() + 1, rows, columns, x_stride, x_stride);
            for (int64_t r = 0; r < rows; ++r)
              for (int64_t c = 0; c < columns; ++c)
                ASSERT_TRUE(same_bits(in_place[static_cast<size_t>(1 + r * x_stride + c)], want[static_cast<size_t>(r * y_stride + c)]));
          }
  });
}

TEST(SoftmaxF32, MatchesTheDefinitionInDouble) {
  Random random(18);
  const int64_t n = 50;
  const std::vector<float> x = random.floats(n, -10, 10);
  double sum = 0;
  for (float v : x) sum += std::exp(static_cast<double>(v));
  std::vector<float> y(x.size()), log_y(x.size()), down(x.size());
  reference.softmax(x.data(), y.data(), 1, n, n, n);
  reference.log_softmax(x.data(), log_y.data(), 1, n, n, n);
  reference.softmax_columns(x.data(), down.data(), n, 1, 1, 1);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = std::exp(static_cast<double>(x[i])) / sum;
    EXPECT_NEAR(y[i], want, 2e-6 * want);
    EXPECT_NEAR(down[i], want, 2e-6 * want);
    EXPECT_NEAR(log_y[i], std::log(want), 4e-6);
  }
}

TEST(SoftmaxF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::softmax_f32
