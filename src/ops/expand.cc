// Expand and Tile: a tensor repeated.
#include "ops/axes.h"
#include "ops/copy_steps.h"

namespace octet::ops {

namespace {

Shape shape_from(std::span<const int64_t> extents) {
  for (int64_t extent : extents) require(extent >= 0, ErrorCode::kInvalidModel, "a shape with an extent of ", extent);
  return Shape(extents);
}

void infer_expand(InferContext& context) {
  if (const Tensor* wanted = context.constant(1); wanted != nullptr && context.has_rank(0))
    return context.set_output(0, context.dtype(0), broadcast(context.shape(0), shape_from(integers_of(*wanted))));
  if (context.has_rank(0) && context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] >= 0)
    return context.set_output(0, context.dtype(0), unknown_extents(std::max<int64_t>(context.shape(0).rank(), context.shape(1)[0])));
  context.set_output_rank_unknown(0, context.dtype(0));
}

void evaluate_expand(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Shape shape = broadcast(x.shape(), shape_from(integers_of(context.input(1))));
  Tensor& y = context.output(0, x.dtype(), shape);
  strided_copy(x.dtype(), shape, x.raw(), broadcast_strides(x.shape(), shape), y.raw(), dense_strides(shape), context.pool());
}

void check_repeats(std::span<const int64_t> repeats, int rank) {
  require(static_cast<int>(repeats.size()) == rank, ErrorCode::kShapeMismatch, repeats.size(), " repeats for a tensor of rank ", rank);
  for (int64_t count : repeats)
    require(count >= 0 && count < (int64_t{1} << 31), ErrorCode::kInvalidModel, "a tensor cannot be repeated ", count, " times");
}

void infer_tile(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(0));
  const Tensor* repeats = context.constant(1);
  Shape shape = unknown_extents(context.shape(0).rank());
  if (repeats != nullptr) {
    std::vector<int64_t> counts = integers_of(*repeats);
    check_repeats(counts, shape.rank());
    for (int axis = 0; axis < shape.rank(); ++axis) {
      int64_t extent = context.shape(0)[axis];
      require(extent < (int64_t{1} << 31), ErrorCode::kResourceLimit, "an extent of ", extent, " is too large to repeat");
      if (extent >= 0) shape[axis] = extent * counts[static_cast<size_t>(axis)];
    }
  }
  context.set_output(0, context.dtype(0), shape);
}

void evaluate_tile(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  std::vector<int64_t> repeats = integers_of(context.input(1));
  check_repeats(repeats, x.shape().rank());
  // Every axis becomes two: the repeat, which walks the source on the spot, and the extent.
  Shape shape, split;
  std::vector<int64_t> strides, dense = dense_strides(x.shape());
  for (int axis = 0; axis < x.shape().rank(); ++axis) {
    size_t i = static_cast<size_t>(axis);
    require(x.shape()[axis] < (int64_t{1} << 31), ErrorCode::kResourceLimit, "an extent of ", x.shape()[axis], " is too large to repeat");
    shape.push_back(x.shape()[axis] * repeats[i]);
    split.push_back(repeats[i]);
    split.push_back(x.shape()[axis]);
    strides.push_back(0);
    strides.push_back(dense[i]);
  }
  Tensor& y = context.output(0, x.dtype(), shape);
  strided_copy(x.dtype(), split, x.raw(), strides, y.raw(), dense_strides(split), context.pool());
}

// Both hold once the output's shape is known, whatever the second input was: every axis of the output is some repeats of the input's.
bool bind(BindContext& context) {
  const Shape &x = context.shape(0), &y = context.output_shape();
  std::vector<int64_t> dense = dense_strides(x), dense_y = dense_strides(y), x_strides, y_strides;
  Shape split;
  for (int axis = 0; axis < y.rank(); ++axis) {
    int from = axis - (y.rank() - x.rank());
    int64_t extent = from < 0 ? 1 : x[from];
    if (extent == 0 || y[axis] % extent != 0) return false;
    split.push_back(y[axis] / extent);
    split.push_back(extent);
    x_strides.push_back(0);
    x_strides.push_back(from < 0 ? 0 : dense[static_cast<size_t>(from)]);
    y_strides.push_back(extent * dense_y[static_cast<size_t>(axis)]);
    y_strides.push_back(dense_y[static_cast<size_t>(axis)]);
  }
  CopyList list(context);
  list.copy(0, 0, split, x_strides, 0, y_strides, 0);
  return list.bind();
}

constexpr OperatorDef definitions[] = {
    {.name = "Expand", .since_version = 8, .min_inputs = 2, .max_inputs = 2, .infer = infer_expand, .evaluate = evaluate_expand, .bind = bind, .transparent = true},
    {.name = "Tile", .since_version = 6, .min_inputs = 2, .max_inputs = 2, .infer = infer_tile, .evaluate = evaluate_tile, .bind = bind, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> expand_operators() { return definitions; }

}  // namespace octet::ops
