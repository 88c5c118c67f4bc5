// Trilu: the upper or lower triangle of matrices, zero elsewhere.
#include <algorithm>

#include "ops/axes.h"

namespace octet::ops {

namespace {

void infer(InferContext& context) {
  if (context.has_rank(0))
    require(context.shape(0).rank() >= 2, ErrorCode::kShapeMismatch, "Trilu wants matrices, not a tensor of shape ", context.shape(0));
  context.same_as_input(0, 0);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const Shape& shape = x.shape();
  require(shape.rank() >= 2, ErrorCode::kShapeMismatch, "Trilu wants matrices, not a tensor of shape ", shape);
  int64_t rows = shape[shape.rank() - 2], columns = shape[shape.rank() - 1];
  int64_t k = context.has_input(1) ? integer_of(context.input(1)) : 0;
  k = std::clamp(k, -rows - 1, columns + 1);
  bool upper = context.attributes().integer("upper", 1) != 0;
  Tensor& y = context.output(0, x.dtype(), shape);
  if (x.elements() == 0) return;
  dispatch_size(x.dtype(), [&]<typename T>() {
    const T* from = static_cast<const T*>(x.raw());
    T* to = static_cast<T*>(y.raw());
    for (int64_t r = 0, total = shape.elements(0, shape.rank() - 1); r < total; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        bool kept = upper ? c - r % rows >= k : c - r % rows <= k;
        to[r * columns + c] = kept ? from[r * columns + c] : T(0);
      }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "Trilu", .since_version = 14, .max_inputs = 2, .infer = infer, .evaluate = evaluate},
    {.domain = "com.microsoft", .name = "Trilu", .max_inputs = 2, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> trilu_operators() { return definitions; }

}  // namespace octet::ops
