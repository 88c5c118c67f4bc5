#include "kernels/reduce_f32/reduce_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::reduce_f32 {
namespace {

TEST(ReduceF32, EveryKernelMatchesTheReference) {
  Random random(21);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int i = 0; i < kOps; ++i)
      for (int64_t columns : {0, 1, 3, 15, 16, 17, 32, 33, 49, 64, 100, 391})
        for (int64_t rows : {0, 1, 2, 9, 33})
          for (bool wild : {false, true}) {
            const Op op = static_cast<Op>(i);
            const int64_t stride = columns + 3;
            const std::vector<float> x = wild ? random.wild_floats(rows * stride + 1) : random.floats(rows * stride + 1, -2, 2);
            std::vector<float> want(static_cast<size_t>(rows + columns + 40), 4), got = want;
            reference.rows(op, x.data() + 1, want.data(), rows, columns, stride);
            kernel.rows(op, x.data() + 1, got.data(), rows, columns, stride);
            ASSERT_TRUE(same_bits(got, want)) << "rows, op " << i << " of " << rows << "x" << columns;
            reference.columns(op, x.data() + 1, want.data(), rows, columns, stride);
            kernel.columns(op, x.data() + 1, got.data(), rows, columns, stride);
            ASSERT_TRUE(same_bits(got, want)) << "columns, op " << i << " of " << rows << "x" << columns;
          }
  });
}

TEST(ReduceF32, MatchesTheDefinitionInDouble) {
  Random random(22);
  const int64_t n = 45;
  const std::vector<float> x = random.floats(n, 0.5f, 1.5f);
  double sum = 0, squares = 0, product = 1, most = 0, least = 9, exponentials = 0;
  for (float v : x) {
    sum += v;
    squares += static_cast<double>(v) * v;
    product *= v;
    most = std::max<double>(most, v);
    least = std::min<double>(least, v);
    exponentials += std::exp(static_cast<double>(v));
  }
  auto check = [&](Op op, double want) {
    float row, column;
    reference.rows(op, x.data(), &row, 1, n, n);
    reference.columns(op, x.data(), &column, n, 1, 1);
    EXPECT_NEAR(row, want, 1e-5 * std::fabs(want)) << static_cast<int>(op);
    EXPECT_NEAR(column, want, 1e-5 * std::fabs(want)) << static_cast<int>(op);
  };
  check(Op::kSum, sum);
  check(Op::kMean, sum / n);
  check(Op::kSumOfSquares, squares);
  check(Op::kNorm1, sum);
  check(Op::kNorm2, std::sqrt(squares));
  check(Op::kProduct, product);
  check(Op::kMax, most);
  check(Op::kMin, least);
  check(Op::kLogSumExp, std::log(exponentials));
}

TEST(ReduceF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::reduce_f32
