#include "kernels/conv/conv_int8.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "base/text.h"
#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/oracle.h"

namespace octet::kernels {
namespace {

struct Problem {
  ConvShape shape;
  bool input_signed, weights_unsigned, output_signed, with_zero_points, with_float_bias;
  std::vector<uint8_t> input, weights;
  std::vector<int32_t> zero_points, bias;
  std::vector<float> multiplier, float_bias;
  int32_t input_zero_point, output_zero_point, minimum, maximum;
  float input_scale;
  Int8Output kind;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();   // kFloat32
  // kByte: what follows.
  bool with_function = false, with_residual = false;
  epilogue_int8::Function function;
  epilogue_int8::Residual residual;
  std::vector<uint8_t> residual_input;
};

// Variants sweep every combination of types, outputs and extremes.
Problem make_problem(const ConvShape& shape, int variant) {
  std::mt19937 random(static_cast<unsigned>(variant * 1000 + shape.output_channels));
  Problem p;
  p.shape = with_strides(shape);
  p.input_signed = variant & 1;
  p.weights_unsigned = variant & 2;
  p.with_zero_points = (variant & 3) == 3 || variant % 5 == 4;
  p.output_signed = variant & 4;
  p.kind = static_cast<Int8Output>(variant % 3);
  p.with_float_bias = variant % 7 > 3;
  p.input_scale = variant % 4 == 3 ? 0.37f : 1.0f;
  const int extreme = variant % 6;   // 0: all highest, 1: all lowest
  p.input.resize(static_cast<size_t>(p.shape.batch * p.shape.input_image_stride) + 64);
  for (auto& v : p.input) v = extreme == 0 ? (p.input_signed ? 127 : 255) : extreme == 1 ? (p.input_signed ? 128 : 0) : static_cast<uint8_t>(random());
  p.weights.resize(static_cast<size_t>(p.shape.output_channels * p.shape.group_inputs() * p.shape.taps()));
  for (auto& v : p.weights) v = extreme < 2 ? (random() & 1 ? 128 : 127) : static_cast<uint8_t>(random());
  for (int64_t o = 0; o < p.shape.output_channels; ++o) {
    const int32_t weight_zero = static_cast<int32_t>(random() % 256) - (p.weights_unsigned ? 0 : 128);
    p.zero_points.push_back(p.with_zero_points ? weight_zero : p.weights_unsigned ? 128 : 0);
    p.bias.push_back(static_cast<int32_t>(random() % 200001) - 100000);
    p.multiplier.push_back(static_cast<float>(random() % 1000 + 1) * (variant % 8 == 5 ? 10.0f : 1e-6f));   // beyond int32, too
    p.float_bias.push_back(static_cast<float>(random() % 1000) * 0.01f - 5.0f);
  }
  p.input_zero_point = static_cast<int32_t>(random() % 256) - (p.input_signed ? 128 : 0);
  p.output_zero_point = static_cast<int32_t>(random() % 256) - (p.output_signed ? 128 : 0);
  p.minimum = variant % 2 ? p.output_zero_point : p.output_signed ? -128 : 0;   // a fused Relu
  p.maximum = p.output_signed ? 127 : 255;
  if (p.kind == Int8Output::kFloat32 && variant % 2) p.low = -0.75f, p.high = 1.5f;
  return p;
}

// The same with a function or a residual between the sums and the bytes.
Problem make_followed_problem(const ConvShape& shape, int variant, bool with_residual) {
  std::mt19937 random(static_cast<unsigned>(variant * 77 + shape.output_channels));
  Problem p = make_problem(shape, variant * 3 + 2);   // kByte
  p.with_residual = with_residual;
  p.with_function = !with_residual;
  constexpr unary_f32::Op kOps[] = {unary_f32::Op::kHardSwish, unary_f32::Op::kLeakyRelu, unary_f32::Op::kSilu, unary_f32::Op::kHardSigmoid};
  p.function = {kOps[variant % 4], {0.2f, 0.5f}, variant % 3 ? 0.02f : 0.5f};
  p.residual.is_signed = random() & 1;
  p.residual.zero_point = static_cast<int32_t>(random() % 256) - (p.residual.is_signed ? 128 : 0);
  p.residual.own_low = -static_cast<float>(random() % 256);
  p.residual.own_high = p.residual.own_low + 255;
  p.residual.own_multiplier = static_cast<float>(random() % 300 + 1) * 0.01f;
  p.residual.multiplier = static_cast<float>(random() % 300 + 1) * 0.01f;
  p.residual_input.resize(static_cast<size_t>(p.shape.rows() * p.shape.output_channels) + 64);
  for (auto& v : p.residual_input) v = static_cast<uint8_t>(random());
  return p;
}

size_t output_bytes(const Problem& p) {
  return static_cast<size_t>(p.shape.batch * p.shape.output_image_stride) * (p.kind == Int8Output::kByte ? 1 : 4);
}

template <bool transposed>
std::vector<std::byte> expected(const Problem& p) {
  std::vector<std::byte> output(output_bytes(p), std::byte{77});
  visit_outputs(p.shape, [&](int64_t image, int64_t y, int64_t x, int64_t o, int64_t at) {
    const size_t channel = static_cast<size_t>(o);
    int64_t acc = p.bias[channel];
    auto add = [&](int64_t input, int64_t weight) {
      const uint8_t byte = input < 0 ? static_cast<uint8_t>(p.input_zero_point) : p.input[static_cast<size_t>(input)];
      const uint8_t w = p.weights[static_cast<size_t>(weight)];
      acc += int64_t{(p.input_signed ? static_cast<int8_t>(byte) : byte) - p.input_zero_point} *
             ((p.weights_unsigned ? w : static_cast<int8_t>(w)) - p.zero_points[channel]);
    };
    if (transposed) {
      visit_transposed_products(p.shape, image, y, x, o, add);
    } else {
      visit_products(p.shape, image, y, x, o, add);
    }
    const int32_t sum = static_cast<int32_t>(acc);
    if (p.kind == Int8Output::kInt32) {
      std::memcpy(&output[static_cast<size_t>(at) * 4], &sum, 4);
      return;
    }
    const float multiplier = p.multiplier[channel] * p.input_scale;
    float v = static_cast<float>(sum) * multiplier;
    if (p.with_float_bias) v += p.float_bias[channel];
    if (p.kind == Int8Output::kFloat32) {
      v = std::min(std::max(v, p.low), p.high);
      std::memcpy(&output[static_cast<size_t>(at) * 4], &v, 4);
      return;
    }
    if (p.with_function) {
      unary_f32::reference.run(p.function.op, p.function.parameters, &v, &v, 1);
      v = v / p.function.scale;
    } else if (p.with_residual) {
      const uint8_t byte = p.residual_input[static_cast<size_t>(((image * p.shape.output_height + y) * p.shape.output_width + x) * p.shape.output_channels + o)];
      const int32_t other = (p.residual.is_signed ? static_cast<int8_t>(byte) : byte) - p.residual.zero_point;
      v = std::nearbyint(std::min(std::max(v, p.residual.own_low), p.residual.own_high));
      v = v * p.residual.own_multiplier + static_cast<float>(other) * p.residual.multiplier;
    }
    v = std::nearbyint(v) + static_cast<float>(p.output_zero_point);
    v = std::min(std::max(v, static_cast<float>(p.minimum)), static_cast<float>(p.maximum));
    output[static_cast<size_t>(at)] = static_cast<std::byte>(static_cast<int32_t>(v));
  });
  return output;
}

Int8Weights weights_of(const Problem& p, const WeightStrides& strides) {
  Int8Weights w;
  w.data = p.weights.data();
  w.is_unsigned = p.weights_unsigned;
  w.strides = strides;
  w.zero_points = p.zero_points.data();
  w.bias = p.bias.data();
  w.multiplier = p.multiplier.data();
  w.float_bias = p.with_float_bias ? p.float_bias.data() : nullptr;
  w.input_zero_point = p.input_zero_point + (p.shape.output_channels % 2);   // sometimes not the one that comes
  return w;
}

ConvInt8Args arguments(const Problem& p, const void* packed, std::vector<std::byte>& output) {
  ConvInt8Args args;
  args.input = p.input.data();
  args.input_zero_point = p.input_zero_point;
  args.input_scale = p.input_scale;
  args.packed = packed;
  args.output = output.data();
  args.output_kind = p.kind;
  args.output_zero_point = p.output_zero_point;
  args.minimum = p.minimum;
  args.maximum = p.maximum;
  args.low = p.low;
  args.high = p.high;
  if (p.with_function) args.function = &p.function;
  if (p.with_residual) args.residual = &p.residual;
  args.residual_input = p.residual_input.data();
  return args;
}

void* aligned(std::vector<std::byte>& memory, size_t bytes) {
  memory.assign(bytes + 64, std::byte{0xee});
  return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
}

// Packs, runs every task on its own, last one first, and compares.
template <typename Op, typename Pack, typename Run>
void check(const Problem& p, const Op& op, const WeightStrides& strides, const std::vector<std::byte>& want, Pack&& pack,
           Run&& run, const std::string& what) {
  std::vector<std::byte> packed_memory, scratch_memory;
  void* packed = aligned(packed_memory, op.packed_bytes);
  void* scratch = aligned(scratch_memory, op.scratch_bytes);
  pack(op, weights_of(p, strides), packed);
  std::vector<std::byte> output(want.size(), std::byte{77});
  const ConvInt8Args args = arguments(p, packed, output);
  for (int64_t task = op.tasks; task-- > 0;) run(op, args, task, task + 1, scratch);
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_EQ(output[i], want[i]) << what << " " << describe(p.shape) << " byte " << i;
}

TEST(ConvInt8, EveryKernelMatchesTheDefinition) {
  int variant = 0;
  for (const ConvShape& shape : conv_test_shapes()) {
    for (int repeat = 0; repeat < 3; ++repeat) {
      const Problem p = make_problem(shape, variant++);
      const std::vector<std::byte> want = expected<false>(p);
      for (const auto& entry : gemm_int8::entries()) {
        if (!isa_supported(entry.isa)) continue;
        for (bool by_pointers : {false, true}) {
          check(p, prepare_conv_int8(p.shape, p.input_signed, *entry.kernel, by_pointers), conv_weights(p.shape), want,
                pack_conv_int8, run_conv_int8, text(entry.name, by_pointers ? " by pointers" : "", " variant ", variant - 1));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

struct BandCase {
  ConvShape shape;
  bool copies;
  int64_t record_rows, row_planes, column_planes;
};

std::vector<BandCase> band_cases() {
  std::vector<BandCase> cases;
  auto add = [&](const ConvShape& shape, bool copies, int64_t record_rows = 1, int64_t row_planes = 1, int64_t column_planes = 1) {
    cases.push_back({with_strides(shape), copies, record_rows, row_planes, column_planes});
  };
  add(gemm_shape(5000, 3, 8), false);                       // more rows than one call of the kernel takes
  add(gemm_shape(37, 70, 130, 141, 90), false);             // wide rows
  add(same_conv(5, 7, 40, 33, 1, 1, 1, 1, 3), false);
  add(gemm_shape(9, 20, 70), true);                         // fewer rows than a tile
  for (int64_t width : {1, 2, 7, 14, 15, 16, 17, 31, 33}) {
    for (int64_t batch : {1, 3}) {
      add(same_conv(6, width, 64, 40, 3, 1, 1, 1, batch), true);
      add(same_conv(5, width, 24, 17, 3, 1, 1, 1, batch), true);
      add(same_conv(7, width, 130, 12, 3, 2, 1, 1, batch), true, 1, 2, 2);
      add(same_conv(7, width, 40, 12, 3, 2, 1, 1, batch), true, 1, 2);
      add(same_conv(7, width, 3, 20, 7, 2, 1, 1, batch), true, 2);
      add(same_conv(9, width, 6, 34, 7, 2, 1, 1, batch), true, 1, 2);
      add(same_conv(8, width, 3, 16, 3, 2, 1, 1, batch), true, 4);
      add(same_conv(6, width, 1, 9, 5, 1, 1, 1, batch), true, 8);
      add(same_conv(6, width, 20, 9, 1, 2, 1, 1, batch), true, 1, 1, 1);
    }
  }
  add(same_conv(12, 13, 33, 40, 3, 1, 2, 1, 2), true);                 // dilation
  add(same_conv(12, 13, 33, 40, 3, 2, 2, 1, 2), true);                 // all taps on rows of one parity
  add(same_conv(12, 13, 33, 40, 3, 3, 2, 1, 2), true, 1, 3);
  add(same_conv(12, 13, 132, 8, 3, 3, 2, 1, 2), true, 1, 3, 3);
  add(same_conv(11, 10, 96, 30, 3, 1, 1, 3, 2), true);                 // groups
  add(same_conv(11, 10, 24, 30, 3, 2, 1, 3, 2), true, 2);
  add(same_conv(16, 16, 3, 20, 4, 4, 1, 1, 2), true, 4);               // patches
  add(same_conv(80, 80, 128, 2, 3, 1), true);                          // several bands
  ConvShape odd = same_conv(9, 10, 48, 19, 3, 1, 1, 1, 2);             // far more border than the kernel reaches
  odd.pad_top = 5, odd.pad_left = 4, odd.output_height = 19, odd.output_width = 21;
  odd.output_row_stride = odd.output_image_stride = 0;
  add(odd, true);
  ConvShape cropped = same_conv(9, 12, 48, 19, 3, 2, 1, 1, 2);         // what lies outside, and what is never read
  cropped.pad_top = -2, cropped.pad_left = -1, cropped.output_height = 2, cropped.output_width = 3;
  cropped.output_row_stride = cropped.output_image_stride = 0;
  add(cropped, true, 1, 2);
  ConvShape slice = same_conv(6, 7, 32, 19, 3, 1, 1, 1, 2);            // of wider tensors
  slice.input_pixel_stride = 45, slice.output_pixel_stride = 30;
  slice.input_row_stride = slice.input_image_stride = slice.output_row_stride = slice.output_image_stride = 0;
  add(slice, true);
  return cases;
}

TEST(ConvInt8, TilesTakeRowsAtEqualDistances) {
  int variant = 0, kernels = 0;
  for (const BandCase& c : band_cases()) {
    for (int repeat = 0; repeat < 2; ++repeat) {
      const Problem p = make_problem(c.shape, variant++);
      const std::vector<std::byte> want = expected<false>(p);
      for (const auto& entry : gemm_int8::entries()) {
        if (!isa_supported(entry.isa) || entry.kernel->run_strided == nullptr) continue;
        ++kernels;
        const ConvInt8 op = prepare_conv_int8(p.shape, p.input_signed, *entry.kernel);
        ASSERT_TRUE(op.strided) << describe(p.shape);
        EXPECT_EQ(op.band.copies, c.copies) << describe(p.shape);
        EXPECT_EQ(op.band.record_rows, c.record_rows) << describe(p.shape);
        EXPECT_EQ(op.band.row_planes, c.row_planes) << describe(p.shape);
        EXPECT_EQ(op.band.column_planes, c.column_planes) << describe(p.shape);
        check(p, op, conv_weights(p.shape), want, pack_conv_int8, run_conv_int8, text(entry.name, " variant ", variant - 1));
        if (HasFatalFailure()) return;
      }
    }
  }
  if (kernels == 0) GTEST_SKIP() << "no kernel of this machine loads tiles";
}

// All tasks in one call, which joins them, and ranges of several.
TEST(ConvInt8, TasksMayBeJoined) {
  for (const ConvShape& shape : {same_conv(14, 14, 64, 256, 3), same_conv(56, 56, 32, 64, 3), gemm_shape(900, 160, 200),
                                 same_conv(20, 20, 64, 128, 3, 1, 1, 2)}) {
    const Problem p = make_problem(shape, 8);
    const std::vector<std::byte> want = expected<false>(p);
    for (const auto& entry : gemm_int8::entries()) {
      if (!isa_supported(entry.isa)) continue;
      const ConvInt8 op = prepare_conv_int8(p.shape, p.input_signed, *entry.kernel);
      for (int64_t grain : {op.tasks, grain_conv_int8(op, 1), grain_conv_int8(op, 2), int64_t{3}}) {
        auto run = [&](const ConvInt8& same, const ConvInt8Args& args, int64_t begin, int64_t, void* scratch) {
          if (begin % grain == 0) run_conv_int8(same, args, begin, std::min(begin + grain, same.tasks), scratch);
        };
        check(p, op, conv_weights(p.shape), want, pack_conv_int8, run, text(entry.name, " grain ", grain));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Winograd's transformation: taken where it may be, exact for the largest sums it is given.
TEST(ConvInt8, FewerProductsGiveTheSameSums) {
  int kernels = 0;
  for (const auto& entry : gemm_int8::entries()) {
    if (!isa_supported(entry.isa) || entry.kernel->winograd == nullptr) continue;
    ++kernels;
    auto taken = [&](const ConvShape& shape) { return prepare_conv_int8(shape, false, *entry.kernel).winograd; };
    EXPECT_TRUE(taken(same_conv(4, 5, 896, 17, 3)));
    EXPECT_FALSE(taken(same_conv(4, 5, 897, 17, 3)));       // sums could leave 32 bits
    EXPECT_FALSE(taken(same_conv(8, 8, 32, 16, 3, 2)));
    EXPECT_FALSE(taken(same_conv(8, 8, 32, 16, 3, 1, 2)));
    EXPECT_FALSE(taken(same_conv(8, 8, 32, 16, 5)));
    EXPECT_FALSE(taken(same_conv(8, 8, 32, 16, 3, 1, 1, 2)));
    for (int sign : {0, 1}) {
      Problem p = make_problem(same_conv(4, 5, 896, 17, 3), 6);   // kInt32, unsigned weights
      ASSERT_TRUE(p.weights_unsigned && p.kind == Int8Output::kInt32);
      std::fill(p.input.begin(), p.input.end(), static_cast<uint8_t>(255));
      std::fill(p.weights.begin(), p.weights.end(), static_cast<uint8_t>(sign ? 0 : 255));
      std::fill(p.zero_points.begin(), p.zero_points.end(), sign ? 255 : 0);
      p.input_zero_point = 0;
      check(p, prepare_conv_int8(p.shape, false, *entry.kernel), conv_weights(p.shape), expected<false>(p), pack_conv_int8, run_conv_int8,
            text(entry.name, " sign ", sign));
    }
  }
  if (kernels == 0) GTEST_SKIP() << "no kernel of this machine takes this way";
}

TEST(ConvInt8, FunctionsAndResidualsMatchTheDefinition) {
  int variant = 0;
  for (const ConvShape& shape : conv_test_shapes()) {
    for (bool with_residual : {false, true}) {
      const Problem p = make_followed_problem(shape, variant++, with_residual);
      ASSERT_EQ(p.kind, Int8Output::kByte);
      const std::vector<std::byte> want = expected<false>(p);
      for (const auto& entry : gemm_int8::entries()) {
        if (!isa_supported(entry.isa)) continue;
        check(p, prepare_conv_int8(p.shape, p.input_signed, *entry.kernel), conv_weights(p.shape), want, pack_conv_int8,
              run_conv_int8, text(entry.name, " variant ", variant - 1));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// [K,N] as MatMulInteger brings it.
TEST(ConvInt8, MatricesMayBeStoredByRows) {
  struct Matrix { int64_t k, n, stride; };
  // More rows than are packed at once; a single row, whose distance to the next may be anything.
  for (const auto& [k, n, stride] : {Matrix{50, 5, 5}, {50, 64, 64}, {50, 100, 100}, {50, 192, 192}, {1501, 192, 192}, {1, 192, 0}}) {
    const int64_t m = 11;
    Problem p = make_problem(gemm_shape(m, n, k), 8);
    const std::vector<std::byte> want = expected<false>(p);
    std::vector<uint8_t> by_rows(p.weights.size());
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < n; ++j) by_rows[static_cast<size_t>(i * n + j)] = p.weights[static_cast<size_t>(j * k + i)];
    p.weights = by_rows;
    for (const auto& entry : gemm_int8::entries())
      if (isa_supported(entry.isa))
        check(p, prepare_conv_int8(p.shape, p.input_signed, *entry.kernel), matrix_weights(stride), want, pack_conv_int8,
              run_conv_int8, entry.name);
  }
}

TEST(DepthwiseInt8, EveryKernelMatchesTheDefinition) {
  int variant = 0;
  for (int64_t channels : {2, 7, 16, 31, 32, 33, 64, 65, 100, 144}) {
    for (int64_t kernel : {1, 3, 4, 5, 7}) {
      for (int64_t stride : {1, 2}) {
        ConvShape shape = same_conv(9, 11, channels, channels, kernel, stride, variant % 5 == 0 ? 2 : 1, channels, 2);
        if (variant % 3 == 0) {
          shape.input_pixel_stride = channels + 5, shape.output_pixel_stride = channels + 9;
          shape.input_row_stride = shape.input_image_stride = shape.output_row_stride = shape.output_image_stride = 0;
        }
        const bool followed = variant % 4 == 1;
        const Problem p = followed ? make_followed_problem(with_strides(shape), variant, false) : make_problem(with_strides(shape), variant);
        ++variant;
        const std::vector<std::byte> want = expected<false>(p);
        for (const auto& entry : depthwise_int8::entries()) {
          if (!isa_supported(entry.isa)) continue;
          if (p.with_zero_points && entry.kernel->weight_bytes == 1) continue;
          check(p, prepare_depthwise_int8(p.shape, p.input_signed, *entry.kernel), conv_weights(p.shape), want,
                pack_depthwise_int8, run_depthwise_int8, text(entry.name, " variant ", variant - 1));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(DepthwiseInt8, UncentredWeightsChooseAKernelThatHandlesThem) {
  const ConvShape shape = same_conv(5, 5, 8, 8, 3, 1, 1, 8);
  for (Isa level : supported_isas())
    EXPECT_EQ(prepare_depthwise_int8(shape, false, false, level).kernel->weight_bytes, 2);
}

TEST(ConvTransposeInt8, MatchesTheDefinition) {
  int variant = 0;
  for (int64_t kernel : {2, 3, 4}) {
    for (int64_t stride : {1, 2, 3}) {
      for (int64_t channels : {4, 40}) {
        ConvShape s;
        s.batch = 2;
        s.input_height = 4, s.input_width = 5, s.input_channels = channels;
        s.kernel_height = s.kernel_width = kernel;
        s.stride_height = s.stride_width = stride;
        s.pad_top = s.pad_left = kernel / 2;
        s.output_height = 3 * stride + kernel - 2 * s.pad_top, s.output_width = 4 * stride + kernel - 2 * s.pad_left;
        s.output_channels = 18;
        s.groups = channels == 4 ? 2 : 1;
        const Problem p = make_problem(with_strides(s), variant++);
        const std::vector<std::byte> want = expected<true>(p);
        for (Isa level : supported_isas())
          check(p, prepare_conv_transpose_int8(p.shape, p.input_signed, level), conv_transpose_weights(p.shape), want,
                pack_conv_transpose_int8, run_conv_transpose_int8, isa_name(level));
      }
    }
  }
}

TEST(ConvTransposeInt8, OneChannelPerGroupMatchesTheDefinition) {
  int variant = 0;
  for (int64_t kernel : {1, 2, 3, 4}) {   // below the stride some outputs receive nothing
    for (int64_t stride : {1, 2, 3}) {
      for (int64_t channels : {2, 33, 70}) {
        ConvShape s;
        s.batch = 2;
        s.input_height = 4, s.input_width = 5;
        s.input_channels = s.output_channels = s.groups = channels;
        s.kernel_height = s.kernel_width = kernel;
        s.stride_height = s.stride_width = stride;
        s.pad_top = s.pad_left = (kernel - 1) / 2;
        s.output_height = 3 * stride + kernel - 2 * s.pad_top, s.output_width = 4 * stride + kernel - 2 * s.pad_left;
        const Problem p = make_problem(with_strides(s), variant++);
        const std::vector<std::byte> want = expected<true>(p);
        for (Isa level : supported_isas())
          check(p, prepare_depthwise_transpose_int8(p.shape, p.input_signed, !p.with_zero_points, level), conv_transpose_weights(p.shape),
                want, pack_depthwise_transpose_int8, run_depthwise_transpose_int8, text(isa_name(level), " variant ", variant - 1));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(ConvInt8, AScaleThatIsNotANumberGivesTheLowestByte) {
  Problem p = make_problem(gemm_shape(40, 70, 90), 8);
  ASSERT_EQ(p.kind, Int8Output::kByte);
  p.input_scale = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::byte> want(output_bytes(p), static_cast<std::byte>(p.minimum));
  for (const auto& entry : gemm_int8::entries())
    if (isa_supported(entry.isa))
      check(p, prepare_conv_int8(p.shape, p.input_signed, *entry.kernel), conv_weights(p.shape), want, pack_conv_int8,
            run_conv_int8, entry.name);
  p = make_problem(same_conv(6, 7, 20, 20, 3, 1, 1, 20), 8);
  p.input_scale = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::byte> lowest(output_bytes(p), static_cast<std::byte>(p.minimum));
  for (const auto& entry : depthwise_int8::entries())
    if (isa_supported(entry.isa))
      check(p, prepare_depthwise_int8(p.shape, p.input_signed, *entry.kernel), conv_weights(p.shape), lowest,
            pack_depthwise_int8, run_depthwise_int8, entry.name);
}

TEST(ConvInt8, TheExpectedKernelRuns) {
  const ConvShape shape = gemm_shape(64, 64, 64);
  for (const auto& entry : gemm_int8::entries())
    if (isa_supported(entry.isa) && std::string_view(entry.name) != "x86_tiles_emulated")
      EXPECT_EQ(prepare_conv_int8(shape, false, entry.isa).kernel, entry.kernel) << entry.name;
  for (const auto& entry : gemm_f32::entries())
    if (isa_supported(entry.isa)) EXPECT_EQ(prepare_conv_f32(shape, entry.isa).kernel, entry.kernel) << entry.name;
  for (const auto& entry : depthwise_f32::entries())
    if (isa_supported(entry.isa)) EXPECT_EQ(prepare_depthwise_f32(shape, entry.isa).kernel, entry.kernel) << entry.name;
  for (const auto& entry : depthwise_int8::entries())
    if (isa_supported(entry.isa)) EXPECT_EQ(prepare_depthwise_int8(shape, false, true, entry.isa).kernel, entry.kernel) << entry.name;
  EXPECT_STREQ(gemm_int8::select(Isa::kReference).name, "reference");
#if defined(__x86_64__)
  if (isa_supported(Isa::kAvx2)) EXPECT_STREQ(gemm_int8::select(Isa::kAvx2).name, "x86_avx2");
#elif defined(__aarch64__)
  EXPECT_STREQ(gemm_int8::select(Isa::kNeon).name, "arm_neon");
#endif
}

}  // namespace
}  // namespace octet::kernels
