// ArgMax and ArgMin: where the largest or smallest element of an axis is.
#include <algorithm>

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
    auto better = [&](auto value, auto best) {
      return (largest ? value > best : value < best) || (last && value == best) || (value != value && best == best);   // a NaN wins
    };
    // Short strips side by side: the axis may be far from the innermost, and memory wants to be read in its own order.
    constexpr int64_t kStrip = 64;
    const int64_t strips = (inner + kStrip - 1) / kStrip;
    parallel_ranges(context.pool(), outer * strips, count * std::min(inner, kStrip), [&](int64_t begin, int64_t end) {
      Wide<T> best[kStrip];
      for (int64_t s = begin; s < end; ++s) {
        const int64_t o = s / strips, first = s % strips * kStrip, width = std::min(kStrip, inner - first);
        const T* row = from + o * count * inner + first;
        int64_t* index = y + o * inner + first;
        for (int64_t j = 0; j < width; ++j) {
          best[j] = widen(row[j]);
          index[j] = 0;
        }
        for (int64_t i = 1; i < count; ++i) {
          row += inner;
          for (int64_t j = 0; j < width; ++j) {
            if (auto value = widen(row[j]); better(value, best[j])) {
              best[j] = value;
              index[j] = i;
            }
          }
        }
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
