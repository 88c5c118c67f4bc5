// Pow: base and exponent may differ in type; the result has the base's.
#include <cmath>
#include <limits>

#include "ops/binary.h"
#include "ops/convert.h"

namespace octet::ops {

namespace {

// Integer powers are exact and wrap; a negative exponent leaves 1, -1 or 0.
template <typename T>
T integer_power(T base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (std::is_signed_v<T> && base == static_cast<T>(-1)) return exponent % 2 ? base : static_cast<T>(1);
    return 0;
  }
  uint64_t result = 1, factor = static_cast<uint64_t>(base);
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= factor;
    factor *= factor;
  }
  return static_cast<T>(result);
}

template <typename T>
T power(T base, double exponent) {
  if constexpr (std::is_floating_point_v<T>) {
    if (exponent == 2) return base * base;
    return static_cast<T>(std::pow(static_cast<double>(base), exponent));
  } else {
    if (exponent == std::floor(exponent) && std::fabs(exponent) < 1e9) return integer_power(base, static_cast<int64_t>(exponent));
    double value = std::pow(static_cast<double>(base), exponent);
    if (std::isnan(value)) return 0;
    if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    if (value <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    return static_cast<T>(value);
  }
}

// With both operands of one float type: what a step can do without converting the exponent first.
struct Pow : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Pow";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T base, T exponent) const {
    if (exponent == 2) return base * base;
    return std::pow(base, exponent);
  }
};

bool is_plain(DType base, DType exponent) {
  return base == exponent && dtype_is_float(base);
}

void infer(InferContext& context) { infer_broadcast(context, context.dtype(0), 0, 1); }

void evaluate(EvaluateContext& context) {
  const Tensor& a = context.input(0);
  if (is_plain(a.dtype(), context.input(1).dtype())) return evaluate_binary<Pow>(context);
  Tensor exponent = converted(context.input(1), DType::kFloat64, context.pool());
  Shape shape = broadcast(a.shape(), exponent.shape());
  Tensor& y = context.output(0, a.dtype(), shape);
  auto loop = broadcast_loop<3>(shape, {&a.shape(), &exponent.shape()});
  dispatch(a.dtype(), NumericTypes(), [&]<typename T>() {
    broadcast_binary(loop, typed<T>(a), exponent.data<double>(), typed<T>(y), context.pool(),
                     [](Wide<T> base, double e) { return power(base, e); });
  });
}

// A constant exponent that has a kernel of its own: squares in variances, square roots.
std::optional<UnaryKernel> kernel_of(const BindContext& context) {
  const Tensor* exponent = context.constant(1);
  if (exponent == nullptr || exponent->elements() != 1 || context.dtype(0) != DType::kFloat32 || context.shape(0) != context.output_shape()) return {};
  double value = real_of(*exponent);
  using Op = kernels::unary_f32::Op;
  if (value == 2) return UnaryKernel{Op::kSquare, {}};
  if (value == 0.5) return UnaryKernel{Op::kSqrt, {}};
  if (value == -1) return UnaryKernel{Op::kReciprocal, {}};
  return {};
}

bool bind(BindContext& context) {
  if (!is_plain(context.dtype(0), context.dtype(1))) return false;
  if (auto kernel = kernel_of(context)) return bind_unary_kernel(context, *kernel);
  return bind_binary<Pow>(context);
}

LayoutSupport layout(const Node& node) {
  return is_plain(node.inputs[0]->dtype, node.inputs[1]->dtype) ? broadcast_layout(node) : LayoutSupport::kOnnxOnly;
}

constexpr OperatorDef definitions[] = {
    {.name = "Pow", .since_version = 7, .min_inputs = 2, .max_inputs = 2, .infer = infer, .evaluate = evaluate, .bind = bind, .layout = layout},
};

}  // namespace

std::span<const OperatorDef> pow_operators() { return definitions; }

}  // namespace octet::ops
