// OneHot: a new axis that holds `on` at the index and `off` elsewhere; indices outside of the depth give `off` everywhere.
#include <cmath>

#include "ops/axes.h"

namespace octet::ops {

namespace {

int64_t checked_depth(const Tensor& tensor) {
  double depth = real_of(tensor);
  require(depth >= 0 && depth < 0x1p40, ErrorCode::kInvalidModel, "a one-hot depth of ", depth);
  return static_cast<int64_t>(depth);
}

Shape with_axis(const Shape& shape, int axis, int64_t depth) {
  Shape result;
  for (int i = 0; i <= shape.rank(); ++i) {
    if (i == axis) result.push_back(depth);
    if (i < shape.rank()) result.push_back(shape[i]);
  }
  return result;
}

void infer(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(2));
  int axis = normalize_axis(context.attributes().integer("axis", -1), context.shape(0).rank() + 1);
  const Tensor* depth = context.constant(1);
  context.set_output(0, context.dtype(2), with_axis(context.shape(0), axis, depth != nullptr ? checked_depth(*depth) : Shape::kUnknown));
}

void evaluate(EvaluateContext& context) {
  const Tensor &indices = context.input(0), &values = context.input(2);
  const Shape& shape = indices.shape();
  int axis = normalize_axis(context.attributes().integer("axis", -1), shape.rank() + 1);
  int64_t depth = checked_depth(context.input(1)), inner = shape.elements(axis, shape.rank()), count = indices.elements();
  require(values.elements() == 2, ErrorCode::kShapeMismatch, "the off and on values have the shape ", values.shape());
  Tensor& y = context.output(0, values.dtype(), with_axis(shape, axis, depth));
  std::vector<int64_t> positions(static_cast<size_t>(count));
  dispatch(indices.dtype(), NumericTypes(), [&]<typename T>() {
    const T* from = typed<T>(indices);
    for (int64_t i = 0; i < count; ++i) {
      double index = std::floor(static_cast<double>(widen(from[i])));
      if (index < 0) index += static_cast<double>(depth);
      positions[static_cast<size_t>(i)] = index >= 0 && index < static_cast<double>(depth) ? static_cast<int64_t>(index) : -1;
    }
  });
  dispatch_size(values.dtype(), [&]<typename T>() {
    const T off = static_cast<const T*>(values.raw())[0], on = static_cast<const T*>(values.raw())[1];
    T* to = static_cast<T*>(y.raw());
    for (int64_t i = 0, total = y.elements(); i < total; ++i) to[i] = off;
    for (int64_t i = 0; i < count; ++i)
      if (int64_t position = positions[static_cast<size_t>(i)]; position >= 0)
        to[(i / inner * depth + position) * inner + i % inner] = on;
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "OneHot", .since_version = 9, .min_inputs = 3, .max_inputs = 3, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> one_hot_operators() { return definitions; }

}  // namespace octet::ops
