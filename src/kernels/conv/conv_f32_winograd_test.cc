#include <cstring>

#include <gtest/gtest.h>

#include "kernels/conv/conv_f32.h"
#include "kernels/conv/oracle.h"

namespace octet::kernels {
namespace {

std::vector<float> random_floats(std::mt19937& random, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31f;
  return values;
}

struct Problem {
  ConvShape shape;
  std::vector<float> input, weights, bias, residual;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();

  explicit Problem(const ConvShape& s) : shape(with_strides(s)) {
    std::mt19937 random(static_cast<unsigned>(s.input_channels * 1000 + s.output_channels));
    input = random_floats(random, shape.batch * shape.input_image_stride);
    weights = random_floats(random, shape.output_channels * shape.input_channels * 9);
    bias = random_floats(random, shape.output_channels);
  }
  void add_residual() {
    std::mt19937 random(3);
    residual = random_floats(random, shape.batch * shape.output_image_stride);
    low = 0, high = 3;
  }
};

// The definition, output by output: the squares of winograd_f32.h, products and sums in the order of gemm_f32.h.
std::vector<float> expected(const Problem& p) {
  const ConvShape& s = p.shape;
  std::vector<float> output(static_cast<size_t>(s.batch * s.output_image_stride), 77.0f);
  auto four = [](const float (&d)[4], float (&v)[4]) { v[0] = d[0] - d[2], v[1] = d[1] + d[2], v[2] = d[2] - d[1], v[3] = d[1] - d[3]; };
  auto three = [](float g0, float g1, float g2, int k) { return k == 0 ? g0 : k == 3 ? g2 : (k == 1 ? (g0 + g1) + g2 : (g0 - g1) + g2) * 0.5f; };
  auto two = [](float m0, float m1, float m2, float m3, int64_t which) { return which == 0 ? (m0 + m1) + m2 : (m1 - m2) - m3; };
  visit_outputs(s, [&](int64_t image, int64_t y, int64_t x, int64_t o, int64_t at) {
    float m[4][4];
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) {
        float v = 0, sum = 0;
        for (int64_t c = 0; c < s.input_channels; ++c) {
          float down[4], across[4];
          for (int column = 0; column < 4; ++column) {
            float d[4], t[4];
            for (int row = 0; row < 4; ++row) {
              const int64_t r = y / 2 * 2 + row - s.pad_top, q = x / 2 * 2 + column - s.pad_left;
              const bool inside = r >= 0 && r < s.input_height && q >= 0 && q < s.input_width;
              d[row] = inside ? p.input[static_cast<size_t>(image * s.input_image_stride + r * s.input_row_stride + q * s.input_pixel_stride + c)] : 0;
            }
            four(d, t);
            down[column] = t[i];
          }
          four(down, across);
          const float* g = &p.weights[static_cast<size_t>((o * s.input_channels + c) * 9)];
          const float u = three(three(g[0], g[3], g[6], i), three(g[1], g[4], g[7], i), three(g[2], g[5], g[8], i), j);
          v = std::fma(across[j], u, v);
          if ((c + 1) % gemm_f32::kLongRun != 0) continue;
          sum = c + 1 == gemm_f32::kLongRun ? v : sum + v;
          v = 0;
        }
        m[i][j] = (s.input_channels >= gemm_f32::kLongRun ? sum + v : v) + 0.0f;
      }
    float down[4];
    for (int j = 0; j < 4; ++j) down[j] = two(m[0][j], m[1][j], m[2][j], m[3][j], y % 2);
    float v = two(down[0], down[1], down[2], down[3], x % 2) + p.bias[static_cast<size_t>(o)];
    if (!p.residual.empty()) v = v + p.residual[static_cast<size_t>(at)];
    v = p.low > v ? p.low : v;
    output[static_cast<size_t>(at)] = p.high < v ? p.high : v;
  });
  return output;
}

void* aligned(std::vector<std::byte>& memory, size_t bytes) {
  memory.assign(bytes + 64, std::byte{0xee});
  return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
}

std::vector<float> computed(const Problem& p, const gemm_f32::Kernel& kernel) {
  const ConvF32 op = prepare_conv_f32(p.shape, kernel);
  EXPECT_NE(op.winograd, nullptr) << describe(p.shape);
  std::vector<std::byte> packed_memory, scratch_memory;
  void* packed = aligned(packed_memory, op.packed_bytes);
  void* scratch = aligned(scratch_memory, op.scratch_bytes);
  pack_conv_f32(op, p.weights.data(), conv_weights(p.shape), p.bias.data(), packed);
  std::vector<float> output(static_cast<size_t>(p.shape.batch * p.shape.output_image_stride), 77.0f);
  ConvF32Args args;
  args.input = p.input.data(), args.packed = packed, args.output = output.data();
  args.residual = p.residual.empty() ? nullptr : p.residual.data();
  args.low = p.low, args.high = p.high;
  for (int64_t task = op.tasks; task-- > 0;) run_conv_f32(op, args, task, task + 1, scratch);
  return output;
}

std::vector<ConvShape> shapes() {
  std::vector<ConvShape> list = {same_conv(12, 12, 32, 32, 3), same_conv(11, 14, 37, 50, 3, 1, 1, 1, 2), same_conv(13, 11, 150, 33, 3), same_conv(12, 11, 33, 67, 3),
                                 same_conv(18, 13, 32, 129, 3), same_conv(16, 8, 256, 32, 3)};
  ConvShape slice = same_conv(12, 13, 32, 50, 3);
  slice.input_pixel_stride = 45, slice.output_pixel_stride = 77;
  slice.input_row_stride = slice.input_image_stride = slice.output_row_stride = slice.output_image_stride = 0;
  list.push_back(with_strides(slice));
  ConvShape beyond = same_conv(12, 12, 34, 35, 3);   // pads wider than the kernel, and outputs that run past the picture
  beyond.pad_left = 5, beyond.pad_top = 4, beyond.output_width = 20, beyond.output_height = 19;
  beyond.output_row_stride = beyond.output_image_stride = 0;
  list.push_back(with_strides(beyond));
  return list;
}

TEST(WinogradConvF32, EveryKernelGivesTheSameBitsAsTheDefinition) {
  bool adds = false;
  for (const ConvShape& shape : shapes()) {
    Problem p(shape);
    if (adds) p.add_residual();
    adds = !adds;
    const std::vector<float> want = expected(p);
    for (const auto& entry : gemm_f32::entries()) {
      if (!isa_supported(entry.isa)) continue;
      const std::vector<float> got = computed(p, *entry.kernel);
      for (size_t i = 0; i < got.size(); ++i)
        ASSERT_EQ(std::memcmp(&got[i], &want[i], 4), 0) << entry.name << " " << describe(shape) << " element " << i << ": " << got[i] << ", not " << want[i];
    }
  }
}

// Twice the error of the definition at most, next to the largest output.
TEST(WinogradConvF32, StaysPrecise) {
  Problem p(same_conv(12, 12, 512, 4, 3));
  const std::vector<float> got = expected(p);   // which every kernel equals
  double worst = 0, largest = 0, worst_direct = 0;
  visit_outputs(p.shape, [&](int64_t image, int64_t y, int64_t x, int64_t o, int64_t at) {
    double exact = p.bias[static_cast<size_t>(o)];
    float direct = 0, run = 0;
    int64_t products = 0;
    visit_products(p.shape, image, y, x, o, [&](int64_t input, int64_t weight) {
      const float d = input < 0 ? 0 : p.input[static_cast<size_t>(input)], w = p.weights[static_cast<size_t>(weight)];
      exact += static_cast<double>(d) * static_cast<double>(w);
      run = std::fma(d, w, run);
      if (++products % gemm_f32::kLongRun == 0) direct += run, run = 0;
    });
    direct = (direct + run) + p.bias[static_cast<size_t>(o)];
    worst = std::max(worst, std::abs(exact - static_cast<double>(got[static_cast<size_t>(at)])));
    worst_direct = std::max(worst_direct, std::abs(exact - static_cast<double>(direct)));
    largest = std::max(largest, std::abs(exact));
  });
  EXPECT_LT(worst, 1e-6 * largest);
  EXPECT_LT(worst, 4 * worst_direct);
}

TEST(WinogradConvF32, IsChosenByThePictureAlone) {
  auto chosen = [](const ConvShape& s) { return prepare_conv_f32(s, gemm_f32::reference).winograd != nullptr; };
  EXPECT_TRUE(chosen(same_conv(14, 14, 256, 256, 3)));
  EXPECT_TRUE(chosen(same_conv(14, 14, 256, 256, 3, 1, 1, 1, 16)));
  EXPECT_FALSE(chosen(same_conv(7, 7, 512, 512, 3)));
  EXPECT_FALSE(chosen(same_conv(7, 7, 512, 512, 3, 1, 1, 1, 16)));
  EXPECT_FALSE(chosen(same_conv(56, 56, 64, 64, 3, 2)));
  EXPECT_FALSE(chosen(same_conv(56, 56, 64, 64, 3, 1, 2)));
  EXPECT_FALSE(chosen(same_conv(56, 56, 64, 64, 3, 1, 1, 2)));
  EXPECT_FALSE(chosen(same_conv(56, 56, 64, 64, 5)));
  EXPECT_FALSE(chosen(same_conv(56, 56, 16, 64, 3)));
  EXPECT_FALSE(chosen(same_conv(56, 56, 64, 16, 3)));
  EXPECT_FALSE(chosen(gemm_shape(100, 64, 64)));
}

}  // namespace
}  // namespace octet::kernels
