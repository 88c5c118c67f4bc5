// QLinearAdd and QLinearMul of ONNX Runtime: sums and products of two 8-bit tensors with broadcasting (DESIGN §4).
#include "ops/broadcast.h"
#include "ops/numeric.h"

namespace octet::ops {

namespace {

enum Input : size_t { kA, kAScale, kAZero, kB, kBScale, kBZero, kYScale, kYZero };

void infer(InferContext& context) {
  for (size_t i : {kA, kB})
    require(context.dtype(i) == DType::kUInt8 || context.dtype(i) == DType::kInt8 || context.dtype(i) == DType::kUndefined,
            ErrorCode::kUnsupported, "input ", i, " must hold 8-bit values, not ", context.dtype(i));
  DType dtype = context.has_input(kYZero) ? context.dtype(kYZero) : context.dtype(kA);
  if (!context.has_rank(kA) || !context.has_rank(kB)) return context.set_output_rank_unknown(0, dtype);
  context.set_output(0, dtype, broadcast(context.shape(kA), context.shape(kB)));
}

template <bool multiply>
void evaluate(EvaluateContext& context) {
  Reader<int32_t> a(context, kA), b(context, kB);
  DType dtype = context.has_input(kYZero) ? context.input(kYZero).dtype() : context.input(kA).dtype();
  Range range = clamped_range(context.node(), dtype);
  float a_scale = scalar_scale(context, kAScale), b_scale = scalar_scale(context, kBScale), y_scale = scalar_scale(context, kYScale);
  int32_t a_zero = scalar_zero_point(context, kAZero), b_zero = scalar_zero_point(context, kBZero), y_zero = scalar_zero_point(context, kYZero);
  float a_multiplier = multiply ? a_scale * b_scale / y_scale : a_scale / y_scale, b_multiplier = b_scale / y_scale;
  Shape shape = broadcast(context.input(kA).shape(), context.input(kB).shape());
  auto loop = broadcast_loop<3>(shape, {&context.input(kA).shape(), &context.input(kB).shape()});
  Writer<int32_t> y(context, 0, dtype, shape);
  int64_t inner = loop.inner(), y_step = loop.inner_stride(0), a_step = loop.inner_stride(1), b_step = loop.inner_stride(2);
  loop.run(0, loop.rows(), [&](const int64_t(&offsets)[3]) {
    for (int64_t i = 0; i < inner; ++i) {
      int32_t left = a[offsets[1] + i * a_step] - a_zero, right = b[offsets[2] + i * b_step] - b_zero;
      float value = multiply ? static_cast<float>(left * right) * a_multiplier
                             : static_cast<float>(left) * a_multiplier + static_cast<float>(right) * b_multiplier;
      y[offsets[0] + i * y_step] = requantize(value, range, y_zero);
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "QLinearAdd", .min_inputs = 7, .max_inputs = 8, .infer = infer, .evaluate = evaluate<false>},
    {.domain = "com.microsoft", .name = "QLinearMul", .min_inputs = 7, .max_inputs = 8, .infer = infer, .evaluate = evaluate<true>},
};

}  // namespace

std::span<const OperatorDef> qlinear_binary_operators() { return definitions; }

}  // namespace octet::ops
