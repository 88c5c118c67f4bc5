#include "kernels/conv/conv_f32.h"

#include <cstring>

#include <gtest/gtest.h>

#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/oracle.h"

namespace octet::kernels {
namespace {

struct Problem {
  ConvShape shape;
  std::vector<float> input, weights, bias, residual;
  bool with_bias, with_residual;
  float low, high;
};

std::vector<float> random_floats(std::mt19937& random, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31f;
  return values;
}

int64_t input_elements(const ConvShape& s) { return s.batch * s.input_image_stride; }
int64_t output_elements(const ConvShape& s) { return s.batch * s.output_image_stride; }

Problem make_problem(const ConvShape& shape, int variant) {
  std::mt19937 random(static_cast<unsigned>(variant * 1000 + shape.output_channels));
  Problem p;
  p.shape = with_strides(shape);
  p.input = random_floats(random, input_elements(p.shape));
  p.weights = random_floats(random, p.shape.output_channels * p.shape.group_inputs() * p.shape.taps());
  p.bias = random_floats(random, p.shape.output_channels);
  p.residual = random_floats(random, output_elements(p.shape));
  p.with_bias = variant != 1;
  p.with_residual = variant == 2;
  p.low = variant == 0 ? -std::numeric_limits<float>::infinity() : 0;
  p.high = variant == 2 ? 0.75f : std::numeric_limits<float>::infinity();
  return p;
}

// Depthwise convolutions are one chain: they add up few products.
enum class Form { kPlain, kTransposed, kDepthwise };

template <Form form>
std::vector<float> expected(const Problem& p) {
  std::vector<float> output(p.residual.size(), 77.0f);
  visit_outputs(p.shape, [&](int64_t image, int64_t y, int64_t x, int64_t o, int64_t at) {
    const float bias = p.with_bias ? p.bias[static_cast<size_t>(o)] : 0.0f;
    float v = 0, sum = 0;
    auto visit = [&](auto&& each) {
      if (form == Form::kTransposed) visit_transposed_products(p.shape, image, y, x, o, each);
      else visit_products(p.shape, image, y, x, o, each);
    };
    int64_t depth = 0, products = 0;
    visit([&](int64_t, int64_t) { ++depth; });
    const int64_t length = gemm_f32::run_length(depth);
    visit([&](int64_t input, int64_t weight) {
      v = std::fma(input < 0 ? 0.0f : p.input[static_cast<size_t>(input)], p.weights[static_cast<size_t>(weight)], v);
      if (form == Form::kDepthwise || ++products % length != 0) return;
      sum = products == length ? v : sum + v;
      v = 0;
    });
    if (products >= length) v = sum + v;
    v = v + bias;
    if (p.with_residual) v += p.residual[static_cast<size_t>(at)];
    v = p.low > v ? p.low : v;
    output[static_cast<size_t>(at)] = p.high < v ? p.high : v;
  });
  return output;
}

ConvF32Args arguments(const Problem& p, const void* packed, std::vector<float>& output) {
  ConvF32Args args;
  args.input = p.input.data();
  args.packed = packed;
  args.output = output.data();
  args.residual = p.with_residual ? p.residual.data() : nullptr;
  args.low = p.low;
  args.high = p.high;
  return args;
}

void* aligned(std::vector<std::byte>& memory, size_t bytes) {
  memory.assign(bytes + 64, std::byte{0xee});
  return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
}

void expect_same(const std::vector<float>& got, const std::vector<float>& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(std::memcmp(&got[i], &want[i], 4), 0) << what << " element " << i << ": " << got[i] << ", not " << want[i];
}

TEST(ConvF32, EveryKernelGivesTheSameBitsAsTheDefinition) {
  int variant = 0;
  for (const ConvShape& shape : conv_test_shapes()) {
    const Problem p = make_problem(shape, variant++ % 3);
    const std::vector<float> want = expected<Form::kPlain>(p);
    for (const auto& entry : gemm_f32::entries()) {
      if (!isa_supported(entry.isa)) continue;
      const ConvF32 op = prepare_conv_f32(p.shape, *entry.kernel);
      if (op.winograd != nullptr) continue;   // see conv_f32_winograd_test.cc
      std::vector<std::byte> packed_memory, scratch_memory;
      void* packed = aligned(packed_memory, op.packed_bytes);
      void* scratch = aligned(scratch_memory, op.scratch_bytes);
      pack_conv_f32(op, p.weights.data(), conv_weights(p.shape), p.with_bias ? p.bias.data() : nullptr, packed);
      std::vector<float> output(want.size(), 77.0f);
      const ConvF32Args args = arguments(p, packed, output);
      for (int64_t task = op.tasks; task-- > 0;) run_conv_f32(op, args, task, task + 1, scratch);
      expect_same(output, want, std::string(entry.name) + " " + describe(p.shape));
    }
  }
}

// Long sums lose little: one chain of all products would lose three times the bound.
TEST(ConvF32, LongSumsStayPrecise) {
  const int64_t m = 12, n = 64, k = 2048;
  Problem p = make_problem(gemm_shape(m, n, k), 1);
  const std::vector<float> got = expected<Form::kPlain>(p);   // which every kernel equals
  double worst = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double exact = 0;
      for (int64_t c = 0; c < k; ++c) exact += static_cast<double>(p.input[static_cast<size_t>(i * k + c)]) * p.weights[static_cast<size_t>(j * k + c)];
      worst = std::max(worst, std::abs(std::clamp<double>(exact, p.low, p.high) - got[static_cast<size_t>(i * n + j)]));
    }
  EXPECT_LT(worst, 4e-7 * std::sqrt(static_cast<double>(k)));
  EXPECT_GT(worst, 0);
}

TEST(ConvF32, MatricesMayBeStoredEitherWay) {
  const int64_t m = 9, n = 37, k = 21;
  Problem p = make_problem(gemm_shape(m, n, k), 0);
  const std::vector<float> want = expected<Form::kPlain>(p);
  std::vector<float> by_rows(static_cast<size_t>(k * (n + 3)));   // [K,N], rows three apart; p.weights is [N,K]
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j) by_rows[static_cast<size_t>(i * (n + 3) + j)] = p.weights[static_cast<size_t>(j * k + i)];
  for (const auto& entry : gemm_f32::entries()) {
    if (!isa_supported(entry.isa)) continue;
    const ConvF32 op = prepare_conv_f32(p.shape, *entry.kernel);
    std::vector<std::byte> packed_memory, scratch_memory;
    void* packed = aligned(packed_memory, op.packed_bytes);
    void* scratch = aligned(scratch_memory, op.scratch_bytes);
    for (bool transposed : {false, true}) {
      if (transposed) {
        pack_conv_f32(op, p.weights.data(), transposed_weights(k), p.bias.data(), packed);
      } else {
        pack_conv_f32(op, by_rows.data(), matrix_weights(n + 3), p.bias.data(), packed);
      }
      std::vector<float> output(want.size(), 77.0f);
      run_conv_f32(op, arguments(p, packed, output), 0, op.tasks, scratch);
      expect_same(output, want, entry.name);
    }
  }
}

TEST(ConvF32, InfinitiesAndNaNsPassThrough) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& entry : gemm_f32::entries()) {
    if (!isa_supported(entry.isa)) continue;
    const ConvF32 op = prepare_conv_f32(gemm_shape(2, 3, 2), *entry.kernel);
    std::vector<std::byte> packed_memory, scratch_memory;
    void* packed = aligned(packed_memory, op.packed_bytes);
    const float weights[] = {1, inf, nan, 0, 0, 0};   // [K,N]
    pack_conv_f32(op, weights, matrix_weights(3), nullptr, packed);
    const float input[] = {2, 1, -2, 1};
    float output[6];
    ConvF32Args args{input, packed, output, nullptr, 0, 6};
    run_conv_f32(op, args, 0, op.tasks, aligned(scratch_memory, op.scratch_bytes));
    EXPECT_EQ(output[0], 2) << entry.name;
    EXPECT_EQ(output[1], 6);
    EXPECT_TRUE(std::isnan(output[2])) << entry.name;
    EXPECT_EQ(output[3], 0);
    EXPECT_EQ(output[4], 0);
    EXPECT_TRUE(std::isnan(output[5])) << entry.name;
  }
}

TEST(DepthwiseF32, EveryKernelGivesTheSameBitsAsTheDefinition) {
  int variant = 0;
  for (int64_t channels : {2, 7, 8, 15, 17, 32, 33, 48, 130}) {
    for (int64_t kernel : {1, 3, 5}) {
      for (int64_t stride : {1, 2}) {
        ConvShape shape = same_conv(7, 14, channels, channels, kernel, stride, variant % 5 == 0 ? 2 : 1, channels);
        if (variant % 3 == 0) {
          shape.input_pixel_stride = channels + 5, shape.output_pixel_stride = channels + 9;
          shape.input_row_stride = shape.input_image_stride = shape.output_row_stride = shape.output_image_stride = 0;
        }
        const Problem p = make_problem(with_strides(shape), variant++ % 3);
        const std::vector<float> want = expected<Form::kDepthwise>(p);
        for (const auto& entry : depthwise_f32::entries()) {
          if (!isa_supported(entry.isa)) continue;
          const DepthwiseF32 op = prepare_depthwise_f32(p.shape, *entry.kernel);
          std::vector<std::byte> packed_memory, scratch_memory;
          void* packed = aligned(packed_memory, op.packed_bytes);
          void* scratch = aligned(scratch_memory, op.scratch_bytes);
          pack_depthwise_f32(op, p.weights.data(), conv_weights(p.shape), p.with_bias ? p.bias.data() : nullptr, packed);
          std::vector<float> output(want.size(), 77.0f);
          const ConvF32Args args = arguments(p, packed, output);
          for (int64_t task = op.tasks; task-- > 0;) run_depthwise_f32(op, args, task, task + 1, scratch);
          expect_same(output, want, std::string(entry.name) + " " + describe(p.shape));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

std::vector<ConvShape> transposed_shapes() {
  std::vector<ConvShape> shapes;
  auto add = [&](int64_t in, int64_t inputs, int64_t outputs, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad,
                 int64_t extra, int64_t groups) {
    ConvShape s;
    s.batch = 2;
    s.input_height = in, s.input_width = in + 1, s.input_channels = inputs;
    s.kernel_height = s.kernel_width = kernel;
    s.stride_height = s.stride_width = stride;
    s.dilation_height = s.dilation_width = dilation;
    s.pad_top = s.pad_left = pad;
    s.output_height = (in - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad + extra;
    s.output_width = in * stride + (kernel - 1) * dilation + 1 - 2 * pad + extra;
    s.output_channels = outputs;
    s.groups = groups;
    shapes.push_back(with_strides(s));
  };
  add(4, 8, 5, 3, 2, 1, 1, 1, 1);
  add(5, 33, 18, 4, 2, 1, 1, 0, 1);
  add(3, 16, 8, 2, 2, 1, 0, 0, 1);
  add(3, 4, 6, 2, 3, 1, 0, 1, 2);    // some outputs receive nothing
  add(4, 6, 6, 3, 1, 1, 1, 0, 1);
  add(4, 12, 7, 3, 2, 2, 2, 0, 1);   // stride and dilation share a factor
  add(4, 5, 7, 3, 3, 2, 0, 2, 1);
  return shapes;
}

TEST(ConvTransposeF32, GivesTheSameBitsAsTheDefinition) {
  int variant = 0;
  for (const ConvShape& shape : transposed_shapes()) {
    const Problem p = make_problem(shape, variant++ % 3);
    const std::vector<float> want = expected<Form::kTransposed>(p);
    for (Isa level : supported_isas()) {
      const auto op = prepare_conv_transpose_f32(p.shape, level);
      std::vector<std::byte> packed_memory, scratch_memory;
      void* packed = aligned(packed_memory, op.packed_bytes);
      pack_conv_transpose_f32(op, p.weights.data(), conv_transpose_weights(p.shape), p.with_bias ? p.bias.data() : nullptr,
                              packed);
      std::vector<float> output(want.size(), 77.0f);
      const ConvF32Args args = arguments(p, packed, output);
      void* scratch = aligned(scratch_memory, op.scratch_bytes);
      for (int64_t task = 0; task < op.tasks; ++task) run_conv_transpose_f32(op, args, task, task + 1, scratch);
      expect_same(output, want, std::string(isa_name(level)) + " " + describe(p.shape));
    }
  }
}

TEST(ConvTransposeF32, OneChannelPerGroupGivesTheSameBitsToo) {
  int variant = 0;
  for (ConvShape shape : transposed_shapes()) {
    for (int64_t channels : {2, 20, 33}) {
      shape.input_channels = shape.output_channels = shape.groups = channels;
      shape.input_pixel_stride = shape.input_row_stride = shape.input_image_stride = 0;
      shape.output_pixel_stride = shape.output_row_stride = shape.output_image_stride = 0;
      const Problem p = make_problem(with_strides(shape), variant++ % 3);
      const std::vector<float> want = expected<Form::kTransposed>(p);
      for (Isa level : supported_isas()) {
        const auto op = prepare_depthwise_transpose_f32(p.shape, level);
        std::vector<std::byte> packed_memory, scratch_memory;
        void* packed = aligned(packed_memory, op.packed_bytes);
        pack_depthwise_transpose_f32(op, p.weights.data(), conv_transpose_weights(p.shape), p.with_bias ? p.bias.data() : nullptr, packed);
        std::vector<float> output(want.size(), 77.0f);
        const ConvF32Args args = arguments(p, packed, output);
        void* scratch = aligned(scratch_memory, op.scratch_bytes);
        for (int64_t task = 0; task < op.tasks; ++task) run_depthwise_transpose_f32(op, args, task, task + 1, scratch);
        expect_same(output, want, std::string(isa_name(level)) + " " + describe(p.shape));
      }
    }
  }
}

}  // namespace
}  // namespace octet::kernels
