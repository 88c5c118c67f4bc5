// QLinearAdd and QLinearMul of ONNX Runtime and the internal QLinearSub: sums, products and differences of two 8-bit tensors with
// broadcasting (DESIGN §4).
#include "kernels/binary_int8/binary_int8.h"
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

using kernels::binary_int8::Op;

template <Op op>
void evaluate(EvaluateContext& context) {
  constexpr bool multiply = op == Op::kMultiply;
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
      int64_t left = int64_t{a[offsets[1] + i * a_step]} - a_zero, right = int64_t{b[offsets[2] + i * b_step]} - b_zero;
      float value;
      if (multiply) value = static_cast<float>(left * right) * a_multiplier;
      else if (op == Op::kAdd) value = static_cast<float>(left) * a_multiplier + static_cast<float>(right) * b_multiplier;
      else value = static_cast<float>(left) * a_multiplier - static_cast<float>(right) * b_multiplier;
      y[offsets[0] + i * y_step] = requantize(value, range, y_zero);
    }
  });
}

struct Parameters {
  const kernels::binary_int8::Kernel* kernel;
  kernels::binary_int8::Params params;
  kernels::Broadcast shape;
  int64_t elements;
};

template <Op op>
void run(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  const auto *a = static_cast<const uint8_t*>(args.inputs[kA]), *b = static_cast<const uint8_t*>(args.inputs[kB]);
  auto* y = static_cast<uint8_t*>(args.outputs[0]);
  args.pool->parallel_for(p.elements, 1 << 14, [&](int64_t begin, int64_t end, int) { p.kernel->run(op, p.params, p.shape, a, b, y, begin, end); });
}

template <Op op>
constexpr StepFunction kStep = {op == Op::kAdd ? "qlinear_add" : op == Op::kMultiply ? "qlinear_mul" : "qlinear_sub", run<op>};

bool parameters_are_constant(const Node& node) {
  for (size_t i : {kAScale, kAZero, kBScale, kBZero, kYScale, kYZero})
    if (node.input(i) != nullptr && !(node.inputs[i]->is_constant() && node.inputs[i]->shape->elements() == 1)) return false;
  return true;
}

template <Op op>
bool bind(BindContext& context) {
  const Node& node = context.node();
  Parameters p{};
  Shape a = context.stored_shape(kA), b = context.stored_shape(kB);
  // Operands of fewer axes count from the end in ONNX order: they must not stand beside one in another order.
  if (context.output_layout() != Layout::kOnnx)
    for (size_t i : {kA, kB})
      if (context.shape(i).rank() != context.output_shape().rank() && context.shape(i).elements() != 1) return false;
  if (!parameters_are_constant(node) || !kernels::make_broadcast(a.extents(), b.extents(), p.shape)) return false;
  auto scale = [&](size_t i) { return Reader<float>(*context.constant(i))[0]; };
  auto zero = [&](size_t i) { return context.has_input(i) ? Reader<int32_t>(*context.constant(i))[0] : 0; };
  p.kernel = kernels::binary_int8::select(context.isa()).kernel;
  p.params.a_multiplier = op == Op::kMultiply ? scale(kAScale) * scale(kBScale) / scale(kYScale) : scale(kAScale) / scale(kYScale);
  p.params.b_multiplier = scale(kBScale) / scale(kYScale);
  p.params.a_zero = zero(kAZero), p.params.b_zero = zero(kBZero), p.params.y_zero = zero(kYZero);
  Range range = clamped_range(node, node.outputs[0]->dtype);
  p.params.low = static_cast<int32_t>(range.low), p.params.high = static_cast<int32_t>(range.high);
  p.params.a_signed = context.dtype(kA) == DType::kInt8, p.params.b_signed = context.dtype(kB) == DType::kInt8;
  p.elements = context.output_shape().elements();
  for (size_t i : {kAScale, kAZero, kBScale, kBZero, kYScale, kYZero})
    if (context.has_input(i)) context.drop_constant_input(i);
  for (size_t i : {kA, kB})
    if (context.shape(i) == context.output_shape()) context.allow_in_place(i);
  context.set(kStep<op>, p, std::string("binary_int8/") + kernels::binary_int8::select(context.isa()).name);
  return true;
}

// Parameters that are not constant, or more than six axes, stay with the reference.
LayoutSupport layout(const Node& node) {
  if (!parameters_are_constant(node) || node.outputs[0]->shape->rank() > kernels::Broadcast::kMaxRank) return LayoutSupport::kOnnxOnly;
  return LayoutSupport::kAgnostic;
}

template <Op op>
constexpr OperatorDef definition(std::string_view domain, std::string_view name) {
  return {.domain = domain, .name = name, .min_inputs = 7, .max_inputs = 8, .infer = infer, .evaluate = evaluate<op>, .bind = bind<op>, .layout = layout};
}

constexpr OperatorDef definitions[] = {
    definition<Op::kAdd>("com.microsoft", "QLinearAdd"),
    definition<Op::kMultiply>("com.microsoft", "QLinearMul"),
    definition<Op::kSubtract>("octet", "QLinearSub"),
};

}  // namespace

std::span<const OperatorDef> qlinear_binary_operators() { return definitions; }

}  // namespace octet::ops
