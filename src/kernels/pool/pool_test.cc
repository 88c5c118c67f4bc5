#include "kernels/pool/pool.h"

#include <algorithm>
#include <cmath>

#include "kernels/test_support.h"

namespace octet::kernels::pool {
namespace {

// A random pooling whose windows may hang over every edge.
struct Case {
  Geometry g;
  int64_t images;
  int64_t inputs() const { return images * g.in_height * g.in_width * g.x_stride; }
  int64_t outputs() const { return images * g.out_height * g.out_width * g.y_stride; }
  int64_t rows() const { return images * g.out_height; }
};

Case random_case(Random& random) {
  constexpr int64_t kChannels[] = {1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 100, 130};
  Case c;
  Geometry& g = c.g;
  c.images = 1 + random.below(2);
  g.channels = kChannels[random.below(std::size(kChannels))];
  g.x_stride = g.channels + random.below(2) * 5;
  g.y_stride = g.channels + random.below(2) * 3;
  g.in_height = 1 + random.below(9);
  g.in_width = 1 + random.below(9);
  auto axis = [&](int64_t in, int64_t& out, int64_t& kernel, int64_t& stride, int64_t& dilation, int64_t& pad, int64_t& pad_end) {
    kernel = 1 + random.below(4);
    dilation = 1 + random.below(2);
    stride = 1 + random.below(3);
    pad = random.below(kernel);
    pad_end = random.below(kernel);
    const int64_t room = in + pad + pad_end - (kernel - 1) * dilation - 1;
    out = room < 0 ? 1 : room / stride + 1 + (random.below(3) == 0 && room % stride ? 1 : 0);   // sometimes ceil_mode
  };
  axis(g.in_height, g.out_height, g.kernel_height, g.stride_height, g.dilation_height, g.pad_top, g.pad_bottom);
  axis(g.in_width, g.out_width, g.kernel_width, g.stride_width, g.dilation_width, g.pad_left, g.pad_right);
  g.count_include_pad = random.below(2);
  return c;
}

AverageParams random_params(Random& random) {
  AverageParams p;
  p.x_signed = random.below(2);
  const bool y_signed = random.below(2);
  p.low = y_signed ? -128 : 0;
  p.high = y_signed ? 127 : 255;
  p.x_zero = static_cast<int32_t>(random.below(256)) - (p.x_signed ? 128 : 0);
  p.y_zero = static_cast<int32_t>(random.below(256)) + p.low;
  p.x_scale = random.uniform(0.01f, 1);
  p.y_scale = random.below(2) ? p.x_scale : random.uniform(0.01f, 1);
  return p;
}

TEST(Pool, EveryKernelMatchesTheReference) {
  Random random(31);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int trial = 0; trial < 300; ++trial) {
      const Case c = random_case(random);
      const int64_t split = c.rows() / 3;
      const std::vector<float> x = random.wild_floats(c.inputs());
      std::vector<float> want(static_cast<size_t>(c.outputs()) + 40, 9), got = want;
      for (auto function : {&Kernel::max_f32, &Kernel::average_f32}) {
        (reference.*function)(c.g, x.data(), want.data(), 0, c.rows());
        (kernel.*function)(c.g, x.data(), got.data(), 0, split);
        (kernel.*function)(c.g, x.data(), got.data(), split, c.rows());
        ASSERT_TRUE(same_bits(got, want)) << "trial " << trial;
      }
      const std::vector<uint8_t> bytes = random.bytes(c.inputs());
      std::vector<uint8_t> want_bytes(static_cast<size_t>(c.outputs()) + 80, 9), got_bytes = want_bytes;
      for (bool is_signed : {false, true}) {
        reference.max_8(c.g, is_signed, bytes.data(), want_bytes.data(), 0, c.rows());
        kernel.max_8(c.g, is_signed, bytes.data(), got_bytes.data(), 0, split);
        kernel.max_8(c.g, is_signed, bytes.data(), got_bytes.data(), split, c.rows());
        ASSERT_TRUE(same_bits(got_bytes, want_bytes)) << "trial " << trial;
      }
      const AverageParams p = random_params(random);
      reference.average_8(c.g, p, bytes.data(), want_bytes.data(), 0, c.rows());
      kernel.average_8(c.g, p, bytes.data(), got_bytes.data(), 0, c.rows());
      ASSERT_TRUE(same_bits(got_bytes, want_bytes)) << "trial " << trial;

      const int64_t pixels = c.images * c.g.in_height * c.g.in_width, begin = c.g.channels / 4;
      want.assign(static_cast<size_t>(c.g.channels) + 40, 9);
      got = want;
      reference.global_average_f32(x.data(), pixels, c.g.x_stride, want.data(), begin, c.g.channels);
      kernel.global_average_f32(x.data(), pixels, c.g.x_stride, got.data(), begin, c.g.channels);
      ASSERT_TRUE(same_bits(got, want)) << "trial " << trial;
      want_bytes.assign(static_cast<size_t>(c.g.channels) + 40, 9);
      got_bytes = want_bytes;
      reference.global_average_8(p, bytes.data(), pixels, c.g.x_stride, want_bytes.data(), begin, c.g.channels);
      kernel.global_average_8(p, bytes.data(), pixels, c.g.x_stride, got_bytes.data(), begin, c.g.channels);
      ASSERT_TRUE(same_bits(got_bytes, want_bytes)) << "trial " << trial;
    }
  });
}

// The definition by coordinates, tap by tap.
TEST(Pool, TheReferenceFollowsTheDefinition) {
  Random random(32);
  for (int trial = 0; trial < 200; ++trial) {
    const Case c = random_case(random);
    const Geometry& g = c.g;
    const std::vector<float> x = random.floats(c.inputs(), -1, 1);
    const std::vector<uint8_t> bytes = random.bytes(c.inputs());
    const AverageParams p = random_params(random);
    std::vector<float> most(static_cast<size_t>(c.outputs())), mean(most.size());
    std::vector<uint8_t> most_bytes(most.size()), mean_bytes(most.size());
    reference.max_f32(g, x.data(), most.data(), 0, c.rows());
    reference.average_f32(g, x.data(), mean.data(), 0, c.rows());
    reference.max_8(g, p.x_signed, bytes.data(), most_bytes.data(), 0, c.rows());
    reference.average_8(g, p, bytes.data(), mean_bytes.data(), 0, c.rows());
    for (int64_t image = 0; image < c.images; ++image)
      for (int64_t oh = 0; oh < g.out_height; ++oh)
        for (int64_t ow = 0; ow < g.out_width; ++ow)
          for (int64_t channel = 0; channel < g.channels; channel += 7) {
            float largest = -INFINITY, sum = 0;
            int largest_byte = p.x_signed ? -128 : 0, byte_sum = 0, count = 0;
            for (int64_t i = 0; i < g.kernel_height; ++i)
              for (int64_t j = 0; j < g.kernel_width; ++j) {
                const int64_t h = oh * g.stride_height - g.pad_top + i * g.dilation_height, w = ow * g.stride_width - g.pad_left + j * g.dilation_width;
                const bool inside = h >= 0 && h < g.in_height && w >= 0 && w < g.in_width;
                if (inside || (g.count_include_pad && h < g.in_height + g.pad_bottom && w < g.in_width + g.pad_right)) ++count;
                if (!inside) continue;
                const auto at = static_cast<size_t>(((image * g.in_height + h) * g.in_width + w) * g.x_stride + channel);
                largest = std::max(largest, x[at]);
                sum += x[at];
                const int byte = p.x_signed ? static_cast<int8_t>(bytes[at]) : bytes[at];
                largest_byte = std::max(largest_byte, byte);
                byte_sum += byte - p.x_zero;
              }
            const auto at = static_cast<size_t>(((image * g.out_height + oh) * g.out_width + ow) * g.y_stride + channel);
            ASSERT_EQ(most[at], largest);
            ASSERT_EQ(most_bytes[at], static_cast<uint8_t>(largest_byte));
            if (count == 0) continue;   // 0/0: NaN, and the zero point
            ASSERT_EQ(mean[at], sum / static_cast<float>(count));
            const double exact = static_cast<double>(p.x_scale) * byte_sum / (static_cast<double>(p.y_scale) * count);
            const double wanted = std::clamp(exact, static_cast<double>(p.low - p.y_zero), static_cast<double>(p.high - p.y_zero)) + p.y_zero;
            const int value = p.low < 0 ? static_cast<int8_t>(mean_bytes[at]) : mean_bytes[at];
            ASSERT_NEAR(value, wanted, 0.5001);
          }
  }
}

TEST(Pool, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::pool
