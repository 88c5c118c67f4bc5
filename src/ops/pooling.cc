#include "ops/pooling.h"

namespace octet::ops {

namespace {

Window pool_window(const Attributes& attributes, int rank) { return read_window(attributes, rank, {}); }

Shape windowed(const Attributes& attributes, const Shape& x, const Window& window, int first) {
  bool ceil_mode = attributes.integer("ceil_mode", 0) != 0;
  Shape y;
  for (int axis = 0; axis < first; ++axis) y.push_back(x[axis]);
  for (int axis = 0; axis < window.rank(); ++axis) y.push_back(window_output(window, axis, x[first + axis], ceil_mode));
  if (first == 1) y.push_back(x[x.rank() - 1]);
  return y;
}

}  // namespace

std::optional<Shape> pool_shape(const InferContext& context, bool channels_last) {
  if (!context.has_rank(0)) return std::nullopt;
  const Shape& x = context.shape(0);
  require(x.rank() >= 3, ErrorCode::kShapeMismatch, "an input of shape ", x, " has no spatial axis");
  return windowed(context.attributes(), x, pool_window(context.attributes(), x.rank() - 2), channels_last ? 1 : 2);
}

Geometry pool_geometry(const Node& node, const Shape& x, Shape& y, bool channels_last) {
  require(x.rank() >= 3, ErrorCode::kShapeMismatch, "an input of shape ", x, " has no spatial axis");
  Window window = pool_window(node.attributes, x.rank() - 2);
  int first = channels_last ? 1 : 2;
  y = windowed(node.attributes, x, window, first);
  resolve_pads(window, std::span(x.extents()).subspan(static_cast<size_t>(first), static_cast<size_t>(window.rank())));
  return make_geometry(window, x, y, first);
}

std::optional<Shape> global_pool_shape(const InferContext& context, bool channels_last) {
  if (!context.has_rank(0)) return std::nullopt;
  Shape shape = context.shape(0);
  require(shape.rank() >= 3, ErrorCode::kShapeMismatch, "an input of shape ", shape, " has no spatial axis");
  int first = channels_last ? 1 : 2;
  for (int axis = 0; axis < shape.rank() - 2; ++axis) shape[first + axis] = 1;
  return shape;
}

}  // namespace octet::ops
