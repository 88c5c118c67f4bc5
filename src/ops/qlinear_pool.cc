// Averages of 8-bit tensors: QLinearAveragePool and QLinearGlobalAveragePool of ONNX Runtime.
//
// y = rhe(clamp(fl(float(Σ (x − zx)) · m))) + zy with m = fl(sx / fl(sy · float(count))); the sum is exact.
#include "ops/bind_pool.h"
#include "ops/pooling.h"

namespace octet::ops {

namespace {

enum Input : size_t { kX, kXScale, kXZero, kYScale, kYZero };

bool channels_last(const Node& node) { return node.attributes.integer("channels_last", 0) != 0; }

DType output_type(const Node& node) { return node.input(kYZero) != nullptr ? node.inputs[kYZero]->dtype : node.inputs[kX]->dtype; }

template <bool global>
void infer(InferContext& context) {
  require(context.dtype(kX) == DType::kUInt8 || context.dtype(kX) == DType::kInt8 || context.dtype(kX) == DType::kUndefined,
          ErrorCode::kUnsupported, "8-bit values are needed, not ", context.dtype(kX));
  bool last = channels_last(context.node());
  std::optional<Shape> shape = global ? global_pool_shape(context, last) : pool_shape(context, last);
  if (shape) context.set_output(0, output_type(context.node()), *shape);
  else context.set_output_rank_unknown(0, output_type(context.node()));
}

struct Average {
  float x_scale, y_scale;
  int32_t x_zero, y_zero;
  Range range;
  Average(const EvaluateContext& context, DType dtype)
      : x_scale(scalar_scale(context, kXScale)), y_scale(scalar_scale(context, kYScale)), x_zero(scalar_zero_point(context, kXZero)),
        y_zero(scalar_zero_point(context, kYZero)), range(clamped_range(context.node(), dtype)) {}
  int32_t operator()(int32_t sum, int64_t count) const {
    return requantize(static_cast<float>(sum) * (x_scale / (y_scale * static_cast<float>(count))), range, y_zero);
  }
};

void evaluate(EvaluateContext& context) {
  const Shape& x_shape = context.input(kX).shape();
  bool last = channels_last(context.node());
  Shape y_shape;
  Geometry g = pool_geometry(context.node(), x_shape, y_shape, last);
  bool include_pad = context.attributes().integer("count_include_pad", 0) != 0;
  int64_t channels = x_shape[last ? x_shape.rank() - 1 : 1], stride = last ? channels : 1;
  DType dtype = output_type(context.node());
  Average average(context, dtype);
  Reader<int32_t> x(context, kX);
  Writer<int32_t> y(context, 0, dtype, y_shape);
  for_each_window(g, x_shape[0] * channels, context.pool(), [&](int64_t plane, int64_t output, const Taps& taps) {
    int64_t in_offset = last ? plane / channels * g.input_size() * channels + plane % channels : plane * g.input_size();
    int64_t out_offset = last ? plane / channels * g.output_size() * channels + plane % channels : plane * g.output_size();
    int32_t sum = 0;
    for_each_tap(g, taps, x.data() + in_offset, stride, [&](int64_t, int32_t value) { sum += value - average.x_zero; });
    y[out_offset + output * stride] = average(sum, average_count(g, taps, include_pad));
  });
}

void evaluate_global(EvaluateContext& context) {
  const Shape& x_shape = context.input(kX).shape();
  require(x_shape.rank() >= 3, ErrorCode::kShapeMismatch, "an input of shape ", x_shape, " has no spatial axis");
  bool last = channels_last(context.node());
  int first = last ? 1 : 2;
  Shape y_shape = x_shape;
  for (int axis = 0; axis < x_shape.rank() - 2; ++axis) y_shape[first + axis] = 1;
  int64_t pixels = x_shape.elements(first, first + x_shape.rank() - 2), channels = x_shape[last ? x_shape.rank() - 1 : 1];
  require(pixels <= (int64_t{1} << 22), ErrorCode::kResourceLimit, "an average over ", pixels, " pixels could overflow");
  DType dtype = output_type(context.node());
  Average average(context, dtype);
  Reader<int32_t> x(context, kX);
  Writer<int32_t> y(context, 0, dtype, y_shape);
  for (int64_t plane = 0; plane < x_shape[0] * channels; ++plane) {
    int64_t start = last ? plane / channels * pixels * channels + plane % channels : plane * pixels;
    int32_t sum = 0;
    for (int64_t i = 0; i < pixels; ++i) sum += x[start + i * (last ? channels : 1)] - average.x_zero;
    y[plane] = average(sum, pixels);
  }
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "QLinearAveragePool", .min_inputs = 4, .max_inputs = 5, .infer = infer<false>, .evaluate = evaluate,
     .bind = bind_qlinear_average_pool, .layout = qlinear_pool_layout},
    {.domain = "com.microsoft", .name = "QLinearGlobalAveragePool", .min_inputs = 4, .max_inputs = 5, .infer = infer<true>,
     .evaluate = evaluate_global, .bind = bind_qlinear_global_average_pool, .layout = qlinear_pool_layout},
};

}  // namespace

std::span<const OperatorDef> qlinear_pool_operators() { return definitions; }

}  // namespace octet::ops
