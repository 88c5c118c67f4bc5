// Shape and Size: what is known of a tensor's extents, as a tensor.
#include <algorithm>

#include "ops/axes.h"

namespace octet::ops {

namespace {

struct Range { int begin, end; };

// start and end (opset 15) count from the back when negative and are clamped.
Range range(const Attributes& attributes, int rank) {
  auto clamp = [&](int64_t axis) { return static_cast<int>(std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank)); };
  int begin = clamp(attributes.integer("start", 0)), end = clamp(attributes.integer("end", rank));
  return {begin, std::max(begin, end)};
}

void infer_shape(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output(0, DType::kInt64, Shape{Shape::kUnknown});
  Range axes = range(context.attributes(), context.shape(0).rank());
  context.set_output(0, DType::kInt64, Shape{axes.end - axes.begin});
}

void evaluate_shape(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  Range axes = range(context.attributes(), shape.rank());
  int64_t* extents = context.output(0, DType::kInt64, Shape{axes.end - axes.begin}).data<int64_t>();
  for (int axis = axes.begin; axis < axes.end; ++axis) *extents++ = shape[axis];
}

void infer_size(InferContext& context) { context.set_output(0, DType::kInt64, Shape{}); }

void evaluate_size(EvaluateContext& context) {
  *context.output(0, DType::kInt64, Shape{}).data<int64_t>() = context.input(0).elements();
}

constexpr OperatorDef definitions[] = {
    {.name = "Shape", .infer = infer_shape, .evaluate = evaluate_shape, .reads_only_shape = true},
    {.name = "Size", .infer = infer_size, .evaluate = evaluate_size, .reads_only_shape = true},
};

}  // namespace

std::span<const OperatorDef> shape_operators() { return definitions; }

}  // namespace octet::ops
