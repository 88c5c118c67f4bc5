#include "kernels/binary_f32/binary_f32.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::binary_f32 {
namespace {

using Extents = std::vector<int64_t>;

int64_t elements(const Extents& e) {
  int64_t n = 1;
  for (int64_t x : e) n *= x;
  return n;
}

const std::vector<std::pair<Extents, Extents>>& patterns() {
  static const std::vector<std::pair<Extents, Extents>> list = {
      {{}, {}}, {{0}, {0}}, {{5, 0}, {1}}, {{1}, {1}}, {{17}, {17}}, {{100}, {1}}, {{1}, {33}}, {{3, 4, 5}, {3, 4, 5}}, {{7, 31}, {31}}, {{31}, {7, 31}},
      {{7, 31}, {7, 1}}, {{2, 8, 1, 1}, {2, 8, 5, 9}}, {{2, 3, 16, 5}, {1, 3, 1, 1}}, {{2, 3, 1, 5}, {1, 1, 16, 5}}, {{4, 1}, {1, 33}},
      {{2, 1, 3, 1, 5, 1}, {1, 4, 1, 2, 1, 3}}, {{64, 3}, {3}},
  };
  return list;
}

TEST(Broadcast, CollapsesAxes) {
  Broadcast b;
  ASSERT_TRUE(make_broadcast(Extents{2, 3, 4}, Extents{2, 3, 4}, b));
  EXPECT_EQ(b.rank, 1);
  EXPECT_EQ(b.extent[0], 24);
  ASSERT_TRUE(make_broadcast(Extents{2, 8, 5, 9}, Extents{2, 8, 1, 1}, b));
  EXPECT_EQ(b.rank, 2);
  EXPECT_EQ(b.extent[0], 16);
  EXPECT_EQ(b.b_stride[0], 1);
  EXPECT_EQ(b.b_stride[1], 0);
  ASSERT_TRUE(make_broadcast(Extents{}, Extents{3, 3}, b));
  EXPECT_EQ(b.rank, 1);
  EXPECT_EQ(b.a_stride[0], 0);
  EXPECT_FALSE(make_broadcast(Extents{3}, Extents{4}, b));
  EXPECT_FALSE(make_broadcast(Extents{2, 1, 2, 1, 2, 1, 2}, Extents{1, 2, 1, 2, 1, 2, 1}, b));   // seven axes that do not join
}

TEST(Broadcast, WalksLikeNumpy) {
  for (const auto& [a_shape, b_shape] : patterns()) {
    Broadcast shape;
    ASSERT_TRUE(make_broadcast(a_shape, b_shape, shape));
    const size_t rank = std::max(a_shape.size(), b_shape.size());
    Extents a_full(rank - a_shape.size(), 1), b_full(rank - b_shape.size(), 1);
    a_full.insert(a_full.end(), a_shape.begin(), a_shape.end());
    b_full.insert(b_full.end(), b_shape.begin(), b_shape.end());
    Extents full(rank);
    for (size_t i = 0; i < rank; ++i) full[i] = a_full[i] == 1 ? b_full[i] : a_full[i];
    ASSERT_EQ(shape.elements(), elements(full));
    std::vector<std::pair<int64_t, int64_t>> walked;
    const int64_t half = shape.elements() / 2 + 1;
    auto collect = [&](int64_t, int64_t a, int64_t b, int64_t n) {
      for (int64_t i = 0; i < n; ++i) walked.push_back({a + i * shape.a_stride[shape.rank - 1], b + i * shape.b_stride[shape.rank - 1]});
    };
    for_runs(shape, 0, std::min(half, shape.elements()), collect);
    for_runs(shape, std::min(half, shape.elements()), shape.elements(), collect);
    ASSERT_EQ(static_cast<int64_t>(walked.size()), shape.elements());
    for (int64_t e = 0; e < shape.elements(); ++e) {
      int64_t rest = e, a = 0, b = 0, a_step = 1, b_step = 1;
      for (size_t i = rank; i-- > 0;) {
        const int64_t index = rest % full[i];
        rest /= full[i];
        a += (a_full[i] == 1 ? 0 : index) * a_step;
        b += (b_full[i] == 1 ? 0 : index) * b_step;
        a_step *= a_full[i];
        b_step *= b_full[i];
      }
      ASSERT_EQ(walked[static_cast<size_t>(e)], std::make_pair(a, b));
    }
  }
}

TEST(BinaryF32, EveryKernelMatchesTheReference) {
  Random random(12);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int i = 0; i < kOps; ++i)
      for (const auto& [a_shape, b_shape] : patterns())
        for (bool clamped : {false, true}) {
          const Op op = static_cast<Op>(i);
          const Params params = clamped ? Params{-1, 2} : Params();
          Broadcast shape;
          ASSERT_TRUE(make_broadcast(a_shape, b_shape, shape));
          const int64_t n = shape.elements(), split = n / 3;
          std::vector<float> a = random.wild_floats(elements(a_shape)), b = random.wild_floats(elements(b_shape));
          std::vector<float> want(static_cast<size_t>(n) + 20, 5.0f), got = want;
          reference.run(op, params, shape, a.data(), b.data(), want.data(), 0, n);
          kernel.run(op, params, shape, a.data(), b.data(), got.data(), split, n);
          kernel.run(op, params, shape, a.data(), b.data(), got.data(), 0, split);
          ASSERT_TRUE(same_bits(got, want)) << "op " << i << " elements " << n;
        }
  });
}

TEST(BinaryF32, Formulas) {
  auto value = [](Op op, float a, float b, Params params = {}) {
    float y;
    reference.run(op, params, Broadcast(), &a, &b, &y, 0, 1);
    return y;
  };
  EXPECT_EQ(value(Op::kAdd, 3, 4), 7);
  EXPECT_EQ(value(Op::kSubtract, 3, 4), -1);
  EXPECT_EQ(value(Op::kMultiply, 3, 4), 12);
  EXPECT_EQ(value(Op::kDivide, 3, 4), 0.75f);
  EXPECT_EQ(value(Op::kMin, 3, 4), 3);
  EXPECT_EQ(value(Op::kMax, 3, 4), 4);
  EXPECT_EQ(value(Op::kPrelu, -3, 4), -12);
  EXPECT_EQ(value(Op::kPrelu, 3, 4), 3);
  EXPECT_EQ(value(Op::kAdd, 3, 4, {0, 6}), 6);
  EXPECT_TRUE(std::isnan(value(Op::kMax, NAN, 1)) && std::isnan(value(Op::kMax, 1, NAN)) && std::isnan(value(Op::kMin, NAN, 1)) && std::isnan(value(Op::kMin, 1, NAN)));
}

TEST(BinaryF32, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::binary_f32
