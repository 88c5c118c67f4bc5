// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear: per tensor, per axis and per block; 4 to 16-bit integers and 8-bit
// floats. Also under the domain com.microsoft, which had 16 bits earlier.
#include "base/half.h"
#include "ops/axes.h"
#include "ops/matrix_product.h"
#include "ops/quantize_step.h"

namespace octet::ops {

namespace {

bool is_float8(DType dtype) { return dtype_is_float(dtype) && dtype_bits(dtype) == 8; }

// Which scale belongs to an element.
struct Granularity {
  int64_t extent = 1, inner = 1, block = 1, blocks = 1;
  bool per_tensor = true, per_block = false;
  int64_t operator()(int64_t i) const {
    if (per_tensor) return 0;
    int64_t position = i / inner % extent;
    return per_block ? (i / inner / extent * blocks + position / block) * inner + i % inner : position;
  }
};

// Checks as far as extents are known. Throws Error.
Granularity granularity(const Attributes& attributes, const Shape& x, const Shape& scale) {
  Granularity g;
  int64_t block = checked_integer(attributes, "block_size", 0, 0, int64_t{1} << 40);
  if (block == 0 && (scale.rank() == 0 || (scale.rank() == 1 && scale[0] == 1))) return g;
  int axis = normalize_axis(attributes.integer("axis", 1), x.rank());
  g.per_tensor = false;
  g.extent = x[axis];
  if (block == 0) {
    require(scale.rank() == 1 && may_agree(scale[0], x[axis]), ErrorCode::kShapeMismatch, "scales of shape ", scale, " do not go with axis ",
            axis, " of a tensor of shape ", x);
  } else {
    require(scale.rank() == x.rank(), ErrorCode::kShapeMismatch, "scales of shape ", scale, " for blocks of a tensor of shape ", x);
    for (int i = 0; i < x.rank(); ++i) {
      int64_t wanted = i != axis ? x[i] : x[i] < 0 ? Shape::kUnknown : (x[i] + block - 1) / block;
      require(may_agree(scale[i], wanted), ErrorCode::kShapeMismatch, "scales of shape ", scale, " for blocks of ", block,
              " of a tensor of shape ", x);
    }
    g.per_block = true;
    g.block = block;
    g.blocks = scale[axis];
  }
  if (x.is_concrete()) g.inner = x.elements(axis + 1, x.rank());
  return g;
}

void check_zero_point(const InferContext& context) {
  if (context.has_rank(1) && context.has_rank(2) && context.shape(1).is_concrete() && context.shape(2).is_concrete())
    require(context.shape(1).elements() == context.shape(2).elements(), ErrorCode::kShapeMismatch, "a zero point of shape ", context.shape(2),
            " does not go with a scale of shape ", context.shape(1));
}

DType dtype_attribute(const Attributes& attributes, DType fallback) {
  int64_t value = attributes.integer("output_dtype", 0);
  require(value >= 0 && value <= static_cast<int64_t>(DType::kFloat4E2M1), ErrorCode::kInvalidModel, "output_dtype ", value, " is not a type");
  return value == 0 ? fallback : static_cast<DType>(value);
}

DType quantized_type(const Node& node) {
  if (node.input(2) != nullptr) return node.inputs[2]->dtype;
  return dtype_attribute(node.attributes, DType::kUInt8);
}

void infer_quantize(InferContext& context) {
  DType dtype = quantized_type(context.node());
  if (!is_float8(dtype) && dtype != DType::kUndefined && dtype != DType::kFloat4E2M1) integer_range(dtype);
  if (context.has_rank(0) && context.has_rank(1)) granularity(context.attributes(), context.shape(0), context.shape(1));
  check_zero_point(context);
  if (context.has_rank(0)) context.set_output(0, dtype, context.shape(0));
  else context.set_output_rank_unknown(0, dtype);
}

uint8_t to_float8(DType dtype, float value, bool saturate) {
  switch (dtype) {
    case DType::kFloat8E4M3FN: return to_float8e4m3fn(value, saturate);
    case DType::kFloat8E4M3FNUZ: return to_float8e4m3fnuz(value, saturate);
    case DType::kFloat8E5M2: return to_float8e5m2(value, saturate);
    default: return to_float8e5m2fnuz(value, saturate);
  }
}

void evaluate_quantize(EvaluateContext& context) {
  const Tensor& input = context.input(0);
  DType dtype = quantized_type(context.node());
  Granularity g = granularity(context.attributes(), input.shape(), context.input(1).shape());
  Reader<float> x(input), scale(context, 1);
  require(!context.has_input(2) || context.input(2).elements() == scale.size(), ErrorCode::kShapeMismatch, "the zero point does not go with the scale");
  if (is_float8(dtype)) {
    bool saturate = context.attributes().integer("saturate", 1) != 0;
    uint8_t* y = static_cast<uint8_t*>(context.output(0, dtype, input.shape()).raw());
    for (int64_t i = 0; i < x.size(); ++i) y[i] = to_float8(dtype, x[i] / scale[g(i)], saturate);
  } else if (dtype == DType::kFloat4E2M1) {
    Writer<float> y(context, 0, dtype, input.shape());
    for (int64_t i = 0; i < x.size(); ++i) y[i] = x[i] / scale[g(i)];
  } else {
    Range range = integer_range(dtype);
    Reader<int32_t> zero(context, 2);
    Writer<int32_t> y(context, 0, dtype, input.shape());
    parallel(context.pool(), x.size(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t at = g(i);
        y[i] = requantize(x[i] / scale[at], range, zero ? zero[at] : 0);
      }
    });
  }
}

DType dequantized_type(const Node& node) { return dtype_attribute(node.attributes, node.inputs[1]->dtype); }

void infer_dequantize(InferContext& context) {
  require(context.has_input(1), ErrorCode::kInvalidModel, "the scale is missing");
  if (context.has_rank(0) && context.has_rank(1)) granularity(context.attributes(), context.shape(0), context.shape(1));
  check_zero_point(context);
  if (context.has_rank(0)) context.set_output(0, dequantized_type(context.node()), context.shape(0));
  else context.set_output_rank_unknown(0, dequantized_type(context.node()));
}

void evaluate_dequantize(EvaluateContext& context) {
  const Tensor& input = context.input(0);
  Granularity g = granularity(context.attributes(), input.shape(), context.input(1).shape());
  Reader<float> scale(context, 1);
  require(!context.has_input(2) || context.input(2).elements() == scale.size(), ErrorCode::kShapeMismatch, "the zero point does not go with the scale");
  Writer<float> y(context, 0, dequantized_type(context.node()), input.shape());
  if (is_float8(input.dtype()) || input.dtype() == DType::kFloat4E2M1) {
    Reader<float> x(input);
    for (int64_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale[g(i)];
    return;
  }
  require(dtype_is_integer(input.dtype()) && dtype_bits(input.dtype()) <= 32, ErrorCode::kUnsupported, "values of type ", input.dtype(), " are not quantized ones");
  Reader<int32_t> x(input), zero(context, 2);
  parallel(context.pool(), x.size(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at = g(i);
      y[i] = static_cast<float>(int64_t{x[i]} - (zero ? zero[at] : 0)) * scale[at];
    }
  });
}

void infer_dynamic(InferContext& context) {
  if (context.has_rank(0)) context.set_output(0, DType::kUInt8, context.shape(0));
  else context.set_output_rank_unknown(0, DType::kUInt8);
  context.set_output(1, DType::kFloat32, Shape{});
  context.set_output(2, DType::kUInt8, Shape{});
}

void evaluate_dynamic(EvaluateContext& context) {
  Reader<float> x(context, 0);
  DynamicQuantization q = dynamic_quantization(x.data(), x.size());
  uint8_t* y = context.output(0, DType::kUInt8, context.input(0).shape()).data<uint8_t>();
  for (int64_t i = 0; i < x.size(); ++i) y[i] = quantize_u8(x[i], q);
  *context.output(1, DType::kFloat32, Shape{}).data<float>() = q.scale;
  *context.output(2, DType::kUInt8, Shape{}).data<uint8_t>() = static_cast<uint8_t>(q.zero_point);
}

constexpr OperatorDef definitions[] = {
    {.name = "QuantizeLinear", .since_version = 10, .min_inputs = 2, .max_inputs = 3, .infer = infer_quantize, .evaluate = evaluate_quantize,
     .bind = bind_quantize, .layout = quantize_layout, .quantizes = true},
    {.name = "DequantizeLinear", .since_version = 10, .min_inputs = 2, .max_inputs = 3, .infer = infer_dequantize,
     .evaluate = evaluate_dequantize, .bind = bind_dequantize, .layout = dequantize_layout, .dequantizes = true},
    {.domain = "com.microsoft", .name = "QuantizeLinear", .min_inputs = 2, .max_inputs = 3, .infer = infer_quantize,
     .evaluate = evaluate_quantize, .bind = bind_quantize, .layout = quantize_layout, .quantizes = true},
    {.domain = "com.microsoft", .name = "DequantizeLinear", .min_inputs = 2, .max_inputs = 3, .infer = infer_dequantize,
     .evaluate = evaluate_dequantize, .bind = bind_dequantize, .layout = dequantize_layout, .dequantizes = true},
    {.name = "DynamicQuantizeLinear", .since_version = 11, .min_outputs = 3, .max_outputs = 3, .infer = infer_dynamic,
     .evaluate = evaluate_dynamic, .bind = bind_dynamic_quantize, .layout = dynamic_quantize_layout},
};

}  // namespace

std::span<const OperatorDef> quantize_linear_operators() { return definitions; }

}  // namespace octet::ops
