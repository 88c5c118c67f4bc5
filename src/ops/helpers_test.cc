#include <gtest/gtest.h>

#include <numeric>

#include "octet/error.h"
#include "ops/axes.h"
#include "ops/broadcast.h"
#include "ops/nibbles.h"

namespace octet::ops {
namespace {

TEST(Broadcast, ShapesAndUnknownExtents) {
  EXPECT_EQ(broadcast(Shape{3, 1}, Shape{4}), (Shape{3, 4}));
  EXPECT_EQ(broadcast(Shape{}, Shape{2, 0}), (Shape{2, 0}));
  EXPECT_EQ(broadcast(Shape{-1, 1}, Shape{1, -1}), (Shape{-1, -1}));
  EXPECT_EQ(broadcast(Shape{-1, 4}, Shape{5, 4}), (Shape{5, 4}));
  EXPECT_THROW(broadcast(Shape{2}, Shape{3}), Error);
}

TEST(Broadcast, LoopsCoalesce) {
  Shape y{2, 3, 4}, a{2, 3, 4}, b{3, 1};
  auto loop = broadcast_loop<3>(y, {&a, &b});
  EXPECT_EQ(loop.axes, 3);
  EXPECT_EQ(loop.inner(), 4);
  auto same = broadcast_loop<3>(y, {&a, &a});
  EXPECT_EQ(same.axes, 1);
  EXPECT_EQ(same.inner(), 24);
  std::vector<float> va(24), vb{100, 200, 300}, vy(24);
  std::iota(va.begin(), va.end(), 0.0f);
  broadcast_binary(loop, va.data(), vb.data(), vy.data(), nullptr, [](float p, float q) { return p + q; });
  for (int i = 0; i < 24; ++i) EXPECT_EQ(vy[static_cast<size_t>(i)], static_cast<float>(i) + 100 * static_cast<float>(i / 4 % 3 + 1));
}

TEST(Strided, TransposesAndEmpty) {
  std::vector<int32_t> x(24), y(24);
  std::iota(x.begin(), x.end(), 0);
  int permutation[] = {2, 0, 1};
  transpose_copy(DType::kInt32, Shape{2, 3, 4}, permutation, x.data(), y.data(), nullptr);
  for (int i = 0; i < 24; ++i) EXPECT_EQ(y[static_cast<size_t>(i)], i % 6 * 4 + i / 6);
  transpose_copy(DType::kInt32, Shape{2, 0, 4}, permutation, nullptr, nullptr, nullptr);
}

TEST(Axes, Checked) {
  EXPECT_EQ(normalize_axis(-1, 3), 2);
  EXPECT_THROW(normalize_axis(3, 3), Error);
  EXPECT_THROW(normalize_axis(0, 0), Error);
  int64_t twice[] = {1, -1};
  EXPECT_THROW(axis_flags(twice, 2), Error);
}

TEST(Nibbles, RoundTrip) {
  uint8_t bytes[] = {0x8f, 0x07};
  Tensor packed(DType::kInt4, Shape{3}, bytes, nullptr);
  Tensor wide = unpack_nibbles(packed);
  EXPECT_EQ(wide.data<int8_t>()[0], -1);
  EXPECT_EQ(wide.data<int8_t>()[1], -8);
  EXPECT_EQ(wide.data<int8_t>()[2], 7);
  uint8_t back[2] = {};
  pack_nibbles(wide.raw(), 3, back);
  EXPECT_EQ(back[0], bytes[0]);
  EXPECT_EQ(back[1], bytes[1]);
}

}  // namespace
}  // namespace octet::ops
