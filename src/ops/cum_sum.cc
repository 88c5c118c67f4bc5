// CumSum: running sums along an axis.
#include "ops/axes.h"

namespace octet::ops {

namespace {

void infer(InferContext& context) {
  if (const Tensor* axis = context.constant(1); axis != nullptr && context.has_rank(0)) normalize_axis(integer_of(*axis), context.shape(0).rank());
  context.same_as_input(0, 0);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const Shape& shape = x.shape();
  int axis = normalize_axis(integer_of(context.input(1)), shape.rank());
  bool exclusive = context.attributes().integer("exclusive", 0) != 0, reverse = context.attributes().integer("reverse", 0) != 0;
  int64_t outer = shape.elements(0, axis), count = shape[axis], inner = shape.elements(axis + 1, shape.rank());
  Tensor& y = context.output(0, x.dtype(), shape);
  dispatch(x.dtype(), NumericTypes(), [&]<typename T>() {
    using Sum = std::conditional_t<kIsFloating<T>, Wide<T>, uint64_t>;   // integers wrap
    const T* from = typed<T>(x);
    T* to = typed<T>(y);
    for (int64_t r = 0; r < outer * inner; ++r) {
      int64_t start = r / inner * count * inner + r % inner;
      Sum sum = 0;
      for (int64_t i = 0; i < count; ++i) {
        int64_t at = start + (reverse ? count - 1 - i : i) * inner;
        Sum value = static_cast<Sum>(widen(from[at]));
        if (exclusive) to[at] = narrow<T>(sum);
        sum += value;
        if (!exclusive) to[at] = narrow<T>(sum);
      }
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "CumSum", .since_version = 11, .min_inputs = 2, .max_inputs = 2, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> cum_sum_operators() { return definitions; }

}  // namespace octet::ops
