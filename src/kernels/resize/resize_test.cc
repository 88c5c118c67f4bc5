#include "kernels/resize/resize.h"

#include <cmath>
#include <cstring>

#include "kernels/test_support.h"

namespace octet::kernels::resize {
namespace {

std::vector<float> weights(const AxisTable& table, int64_t out) {
  auto first = table.weight.begin() + out * table.taps;
  return {first, first + table.taps};
}
std::vector<int32_t> indices(const AxisTable& table, int64_t out) {
  auto first = table.index.begin() + out * table.taps;
  return {first, first + table.taps};
}

TEST(Resize, EveryKernelMatchesTheReference) {
  Random random(61);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int trial = 0; trial < 200; ++trial) {
      AxisOptions o;
      o.mode = random.below(2) ? Mode::kLinear : Mode::kCubic;
      o.coordinates = static_cast<Coordinates>(random.below(5));
      o.antialias = random.below(4) == 0;
      o.exclude_outside = random.below(4) == 0;
      const int64_t in_height = 1 + random.below(12), in_width = 1 + random.below(12), images = 1 + random.below(2);
      const int64_t out_height = 1 + random.below(20), out_width = 1 + random.below(20);
      o.scale = static_cast<double>(out_height) / static_cast<double>(in_height);
      const AxisTable height = make_axis(in_height, out_height, o);
      o.scale = static_cast<double>(out_width) / static_cast<double>(in_width);
      const AxisTable width = make_axis(in_width, out_width, o);
      Geometry g;
      g.height = height.view();
      g.width = width.view();
      constexpr int64_t kChannels[] = {1, 3, 15, 16, 17, 32, 40};
      g.channels = kChannels[random.below(std::size(kChannels))];
      g.x_stride = g.channels + random.below(2) * 3;
      g.y_stride = g.channels + random.below(2) * 5;
      const int64_t inputs = images * in_height * in_width * g.x_stride, outputs = images * out_height * out_width * g.y_stride, rows = images * out_height;
      const std::vector<float> x = random.wild_floats(inputs);
      std::vector<float> want(static_cast<size_t>(outputs) + 40, 9), got = want;
      reference.f32(g, x.data(), want.data(), 0, rows);
      kernel.f32(g, x.data(), got.data(), 0, rows / 3);
      kernel.f32(g, x.data(), got.data(), rows / 3, rows);
      ASSERT_TRUE(same_bits(got, want)) << "trial " << trial;
      ByteParams p;
      p.x_signed = random.below(2);
      p.x_zero = static_cast<int32_t>(random.below(256)) - (p.x_signed ? 128 : 0);
      p.y_zero = static_cast<int32_t>(random.below(256));
      if (random.below(2)) p.ratio = random.uniform(0.1f, 2);
      const std::vector<uint8_t> bytes = random.bytes(inputs);
      std::vector<uint8_t> want_bytes(static_cast<size_t>(outputs) + 40, 9), got_bytes = want_bytes;
      reference.bytes(g, p, bytes.data(), want_bytes.data(), 0, rows);
      kernel.bytes(g, p, bytes.data(), got_bytes.data(), 0, rows / 3);
      kernel.bytes(g, p, bytes.data(), got_bytes.data(), rows / 3, rows);
      ASSERT_TRUE(same_bits(got_bytes, want_bytes)) << "trial " << trial;
    }
  });
}

TEST(Resize, AxisTables) {
  AxisOptions o;
  o.scale = 2;
  AxisTable t = make_axis(2, 4, o);   // half pixel: coordinates -0.25, 0.25, 0.75, 1.25
  EXPECT_EQ(t.taps, 2);
  EXPECT_EQ(indices(t, 0), (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(weights(t, 1), (std::vector<float>{0.75f, 0.25f}));
  EXPECT_EQ(indices(t, 3), (std::vector<int32_t>{1, 1}));
  o.coordinates = Coordinates::kAlignCorners;
  o.scale = 5.0 / 3;
  t = make_axis(3, 5, o);
  EXPECT_EQ(weights(t, 1), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_EQ(indices(t, 4)[0], 2);
  o.coordinates = Coordinates::kAsymmetric;
  o.scale = 1;
  EXPECT_EQ(make_axis(7, 7, o).taps, 1);
  o.scale = 2;
  o.mode = Mode::kNearest;
  o.nearest = Nearest::kFloor;
  EXPECT_EQ(make_axis(2, 4, o).index, (std::vector<int32_t>{0, 0, 1, 1}));
  o.nearest = Nearest::kCeil;
  EXPECT_EQ(make_axis(2, 4, o).index, (std::vector<int32_t>{0, 1, 1, 1}));
  o.nearest = Nearest::kRoundPreferFloor;
  EXPECT_EQ(make_axis(2, 4, o).index, (std::vector<int32_t>{0, 0, 1, 1}));
  o.nearest = Nearest::kRoundPreferCeil;
  EXPECT_EQ(make_axis(2, 4, o).index, (std::vector<int32_t>{0, 1, 1, 1}));
  o.mode = Mode::kCubic;
  o.coordinates = Coordinates::kHalfPixel;
  t = make_axis(4, 8, o);
  for (int64_t x = 0; x < 8; ++x) {
    float sum = 0;
    for (float w : weights(t, x)) sum += w;
    EXPECT_NEAR(sum, 1, 1e-6);
  }
  EXPECT_EQ(weights(t, 4), (std::vector<float>{-0.03515625f, 0.26171875f, 0.87890625f, -0.10546875f}));
  o.mode = Mode::kLinear;
  o.antialias = true;
  o.scale = 0.5;
  t = make_axis(8, 4, o);
  EXPECT_EQ(t.taps, 4);
  EXPECT_EQ(weights(t, 1), (std::vector<float>{0.125f, 0.375f, 0.375f, 0.125f}));
  EXPECT_EQ(indices(t, 1), (std::vector<int32_t>{1, 2, 3, 4}));
}

TEST(Resize, BytesKeepAConstantPicture) {
  AxisOptions o;
  o.scale = 1.7;
  const AxisTable t = make_axis(5, 8, o);
  Geometry g;
  g.height = g.width = t.view();
  g.channels = g.x_stride = g.y_stride = 3;
  const std::vector<uint8_t> x(75, 201);
  std::vector<uint8_t> y(192);
  ByteParams p;
  p.x_zero = p.y_zero = 17;
  reference.bytes(g, p, x.data(), y.data(), 0, 8);
  EXPECT_EQ(y, std::vector<uint8_t>(192, 201));
}

TEST(Resize, NearestCopiesPixels) {
  Random random(62);
  for (int element_bytes : {1, 2, 4, 8})
    for (int64_t channels : {1, 2, 3, 16}) {
      AxisOptions o;
      o.mode = Mode::kNearest;
      o.scale = 1.6;
      const AxisTable height = make_axis(5, 8, o), width = make_axis(10, 16, o);
      Geometry g;
      g.height = height.view();
      g.width = width.view();
      g.channels = channels;
      g.x_stride = channels + 1;
      g.y_stride = channels + 2;
      const std::vector<uint8_t> x = random.bytes(2 * 50 * g.x_stride * element_bytes);
      std::vector<uint8_t> y(static_cast<size_t>(2 * 128 * g.y_stride * element_bytes), 0);
      nearest(g, element_bytes, x.data(), y.data(), 0, 16);
      for (int64_t image = 0; image < 2; ++image)
        for (int64_t h = 0; h < 8; ++h)
          for (int64_t w = 0; w < 16; ++w) {
            const int64_t to = ((image * 8 + h) * 16 + w) * g.y_stride * element_bytes;
            const int64_t from = ((image * 5 + height.index[static_cast<size_t>(h)]) * 10 + width.index[static_cast<size_t>(w)]) * g.x_stride * element_bytes;
            ASSERT_EQ(std::memcmp(&y[static_cast<size_t>(to)], &x[static_cast<size_t>(from)], static_cast<size_t>(channels * element_bytes)), 0);
          }
    }
}

TEST(Resize, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::resize
