#include "kernels/binary_int8/binary_int8.h"

#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::binary_int8 {
namespace {

using Extents = std::vector<int64_t>;

TEST(BinaryInt8, EveryKernelMatchesTheReference) {
  Random random(13);
  const std::vector<std::pair<Extents, Extents>> patterns = {
      {{0}, {0}}, {{1}, {1}}, {{15}, {15}}, {{257}, {257}}, {{100}, {1}}, {{1}, {65}}, {{9, 31}, {31}}, {{9, 31}, {9, 1}}, {{2, 33, 1}, {2, 1, 17}},
  };
  auto elements = [](const Extents& e) {
    int64_t n = 1;
    for (int64_t x : e) n *= x;
    return n;
  };
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (Op op : {Op::kAdd, Op::kSubtract, Op::kMultiply})
      for (const auto& [a_shape, b_shape] : patterns)
        for (int variant = 0; variant < 8; ++variant) {
          Params p;
          p.a_signed = variant & 1;
          p.b_signed = variant & 2;
          const bool y_signed = variant & 4;
          p.low = y_signed ? -128 : 0;
          p.high = y_signed ? 127 : 255;
          p.a_zero = static_cast<int32_t>(random.below(256)) - (p.a_signed ? 128 : 0);
          p.b_zero = static_cast<int32_t>(random.below(256)) - (p.b_signed ? 128 : 0);
          p.y_zero = static_cast<int32_t>(random.below(256)) - (y_signed ? 128 : 0);
          if (random.below(2)) p.low = p.y_zero;   // a fused Relu
          p.a_multiplier = random.uniform(0.001f, 1.5f) * (op == Op::kMultiply ? 0.01f : 1.0f);
          if (random.below(8) == 0) p.a_multiplier = 3e9f;   // beyond int32
          p.b_multiplier = random.below(4) ? random.uniform(0.001f, 1.5f) : 0.5f;   // 0.5 makes ties
          Broadcast shape;
          ASSERT_TRUE(make_broadcast(a_shape, b_shape, shape));
          const int64_t n = shape.elements(), split = n / 3;
          const std::vector<uint8_t> a = random.bytes(elements(a_shape) + 1), b = random.bytes(elements(b_shape) + 1);
          std::vector<uint8_t> want(static_cast<size_t>(n) + 40, 5), got = want;
          reference.run(op, p, shape, a.data() + 1, b.data() + 1, want.data() + 1, 0, n);
          kernel.run(op, p, shape, a.data() + 1, b.data() + 1, got.data() + 1, split, n);
          kernel.run(op, p, shape, a.data() + 1, b.data() + 1, got.data() + 1, 0, split);
          ASSERT_TRUE(same_bits(got, want)) << "variant " << variant << " elements " << n;
        }
  });
}

TEST(BinaryInt8, FollowsTheContract) {
  Params p;
  p.a_zero = 10;
  p.b_zero = 20;
  p.y_zero = 30;
  p.a_multiplier = 0.5f;
  p.b_multiplier = 0.25f;
  auto value = [&](Op op, uint8_t a, uint8_t b) {
    uint8_t y;
    reference.run(op, p, Broadcast(), &a, &b, &y, 0, 1);
    return static_cast<int>(y);
  };
  EXPECT_EQ(value(Op::kAdd, 15, 20), 32);        // 2.5 rounds to even 2
  EXPECT_EQ(value(Op::kAdd, 17, 20), 34);        // 3.5 rounds to even 4
  EXPECT_EQ(value(Op::kSubtract, 10, 24), 29);
  EXPECT_EQ(value(Op::kMultiply, 12, 23), 33);   // 2·3·0.5
  EXPECT_EQ(value(Op::kAdd, 255, 255), 211);     // 122.5 + 58.75
  EXPECT_EQ(value(Op::kMultiply, 0, 255), 0);    // saturates
}

TEST(BinaryInt8, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::binary_int8
