// ArgMax and ArgMin: where the largest or smallest element of an axis is.
#include "ops/axes.h"

namespace octet::ops {

namespace {

Shape reduced(Shape shape, int axis, bool keep) {
  if (keep) {
    shape[axis] = 1;
    return shape;
  }
  Shape result;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != axis) result.push_back(shape[i]);
  return result;
}

void infer(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, DType::kInt64);
  int axis = normalize_axis(context.attributes().integer("axis", 0), context.shape(0).rank());
  context.set_output(0, DType::kInt64, reduced(context.shape(0), axis, context.attributes().integer("keepdims", 1) != 0));
}

template <bool largest>
void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const Shape& shape = x.shape();
  int axis = normalize_axis(context.attributes().integer("axis", 0), shape.rank());
  bool last = context.attributes().integer("select_last_index", 0) != 0;
  int64_t outer = shape.elements(0, axis), count = shape[axis], inner = shape.elements(axis + 1, shape.rank());
  require(count > 0 || outer * inner == 0, ErrorCode::kShapeMismatch, "there is no largest element along an axis of extent 0");
  int64_t* y = context.output(0, DType::kInt64, reduced(shape, axis, context.attributes().integer("keepdims", 1) != 0)).data<int64_t>();
  dispatch(x.dtype(), NumericTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    parallel_ranges(context.pool(), outer * inner, count, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* row = from + r / inner * count * inner + r % inner;
        auto best = widen(row[0]);
        int64_t index = 0;
        for (int64_t i = 1; i < count; ++i) {
          auto value = widen(row[i * inner]);
          bool better = largest ? value > best : value < best;
          if (better || (last && value == best) || (value != value && best == best)) {   // a NaN is where the trouble is
            best = value;
            index = i;
          }
        }
        y[r] = index;
      }
    });
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "ArgMax", .infer = infer, .evaluate = evaluate<true>},
    {.name = "ArgMin", .infer = infer, .evaluate = evaluate<false>},
};

}  // namespace

std::span<const OperatorDef> arg_max_operators() { return definitions; }

}  // namespace octet::ops
