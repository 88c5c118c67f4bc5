// Functions of one 8-bit tensor: QLinearSigmoid, QLinearLeakyRelu, QLinearSoftmax of ONNX Runtime, and the internal Table.
#include "base/cpu.h"
#include "kernels/softmax_f32/softmax_f32.h"
#include "kernels/table_u8/table_u8.h"
#include "ops/axes.h"
#include "ops/quantize_step.h"
#include "ops/requantize_table.h"

namespace octet::ops {

namespace {

enum Input : size_t { kX, kXScale, kXZero, kYScale, kYZero };

void infer(InferContext& context) {
  DType dtype = context.dtype(kX);
  require(dtype == DType::kUInt8 || dtype == DType::kInt8 || dtype == DType::kUndefined, ErrorCode::kUnsupported,
          "8-bit values are needed, not ", dtype);
  context.same_as_input(0, 0);
}

void apply_table(EvaluateContext& context, const uint8_t* table, DType dtype) {
  const Tensor& x = context.input(kX);
  const uint8_t* from = static_cast<const uint8_t*>(x.raw());
  uint8_t* to = static_cast<uint8_t*>(context.output(0, dtype, x.shape()).raw());
  int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
}

double leaky_relu(const Node& node, double x) {
  return x >= 0 ? x : static_cast<double>(node.attributes.real("alpha", 0.01f)) * x;
}
double sigmoid(const Node&, double x) { return kernels::math64::sigmoid(x); }

bool parameters_are_constant(const Node& node) {
  for (size_t i : {kXScale, kXZero, kYScale, kYZero})
    if (node.input(i) != nullptr && !(node.inputs[i]->is_constant() && node.inputs[i]->shape->elements() == 1)) return false;
  return true;
}

template <double (*function)(const Node&, double)>
bool bind_function(BindContext& context) {
  const Node& node = context.node();
  if (!parameters_are_constant(node)) return false;
  auto side = [&](size_t scale, size_t zero) {
    return ByteScale{Reader<float>(*context.constant(scale))[0], context.has_input(zero) ? Reader<int32_t>(*context.constant(zero))[0] : 0, context.dtype(kX)};
  };
  auto table = byte_table(side(kXScale, kXZero), side(kYScale, kYZero), clamped_range(node, context.dtype(kX)),
                          [&](double x) { return function(node, x); });
  for (size_t i : {kXScale, kXZero, kYScale, kYZero})
    if (context.has_input(i)) context.drop_constant_input(i);
  bind_table(context, table.data());
  return true;
}

LayoutSupport function_layout(const Node& node) {
  return parameters_are_constant(node) ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

template <typename Function>
void evaluate_function(EvaluateContext& context, Function function) {
  DType dtype = context.input(kX).dtype();
  auto table = byte_table(byte_scale(context, kXScale, kXZero, dtype), byte_scale(context, kYScale, kYZero, dtype),
                          clamped_range(context.node(), dtype), function);
  apply_table(context, table.data(), dtype);
}

void evaluate_sigmoid(EvaluateContext& context) {
  evaluate_function(context, [&](double x) { return sigmoid(context.node(), x); });
}

void evaluate_leaky_relu(EvaluateContext& context) {
  evaluate_function(context, [&](double x) { return leaky_relu(context.node(), x); });
}

void infer_softmax(InferContext& context) {
  infer(context);
  if (context.has_rank(0)) normalize_axis(context.attributes().integer("axis", -1), context.shape(0).rank());
}

void evaluate_softmax(EvaluateContext& context) {
  const Tensor& x = context.input(kX);
  const Shape& shape = x.shape();
  int axis = normalize_axis(context.attributes().integer("axis", -1), shape.rank());
  // Before opset 13 Softmax ran over all axes from `axis` on.
  int end = context.attributes().integer("opset", 13) < 13 ? shape.rank() : axis + 1;
  int64_t outer = shape.elements(0, axis), extent = shape.elements(axis, end), inner = shape.elements(end, shape.rank());
  float x_scale = scalar_scale(context, kXScale), y_scale = scalar_scale(context, kYScale);
  int32_t x_zero = scalar_zero_point(context, kXZero), y_zero = scalar_zero_point(context, kYZero);
  Reader<int32_t> values(x);
  std::vector<float> in(static_cast<size_t>(values.size())), out(in.size());
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(values[static_cast<int64_t>(i)] - x_zero) * x_scale;
  const auto& kernel = *kernels::softmax_f32::select(active_isa()).kernel;
  if (inner == 1) kernel.softmax(in.data(), out.data(), outer, extent, extent, extent);
  else
    for (int64_t i = 0; i < outer; ++i) kernel.softmax_columns(in.data() + i * extent * inner, out.data() + i * extent * inner, extent, inner, inner, inner);
  Range range = clamped_range(context.node(), x.dtype());
  Writer<int32_t> y(context, 0, x.dtype(), shape);
  for (size_t i = 0; i < out.size(); ++i) y[static_cast<int64_t>(i)] = requantize(out[i] / y_scale, range, y_zero);
}

const Tensor& table_of(const Node& node) {
  const Tensor& table = node.attributes.tensor("table");
  require(table.elements() == 256 && (table.dtype() == DType::kUInt8 || table.dtype() == DType::kInt8), ErrorCode::kInvalidModel,
          "a table has 256 bytes, not ", table.elements(), " values of type ", table.dtype());
  return table;
}

void infer_table(InferContext& context) {
  DType dtype = table_of(context.node()).dtype();
  if (context.has_rank(0)) context.set_output(0, dtype, context.shape(0));
  else context.set_output_rank_unknown(0, dtype);
}

void evaluate_table(EvaluateContext& context) {
  const Tensor& table = table_of(context.node());
  apply_table(context, static_cast<const uint8_t*>(table.raw()), table.dtype());
}

bool bind_table_operator(BindContext& context) {
  bind_table(context, static_cast<const uint8_t*>(table_of(context.node()).raw()));
  return true;
}
LayoutSupport table_layout(const Node&) { return LayoutSupport::kAgnostic; }

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "QLinearSigmoid", .min_inputs = 4, .max_inputs = 5, .infer = infer, .evaluate = evaluate_sigmoid,
     .bind = bind_function<sigmoid>, .layout = function_layout},
    {.domain = "com.microsoft", .name = "QLinearLeakyRelu", .min_inputs = 4, .max_inputs = 5, .infer = infer, .evaluate = evaluate_leaky_relu,
     .bind = bind_function<leaky_relu>, .layout = function_layout},
    {.domain = "com.microsoft", .name = "QLinearSoftmax", .min_inputs = 4, .max_inputs = 5, .infer = infer_softmax,
     .evaluate = evaluate_softmax},
    {.domain = "octet", .name = "Table", .infer = infer_table, .evaluate = evaluate_table, .bind = bind_table_operator, .layout = table_layout},
};

}  // namespace

std::span<const OperatorDef> qlinear_unary_operators() { return definitions; }

}  // namespace octet::ops
