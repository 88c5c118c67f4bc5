// Operators that give the same elements another shape: Reshape, Flatten, Squeeze, Unsqueeze.
#include "ops/axes.h"

namespace octet::ops {

namespace {

// --- Reshape ---------------------------------------------------------------------------------------------------------

// 0 copies the input's extent (unless allowzero), one -1 takes what is left.
Shape reshaped(const Shape& from, std::span<const int64_t> wanted, bool allow_zero) {
  Shape shape;
  int inferred = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    int64_t extent = wanted[i];
    require(extent >= -1, ErrorCode::kInvalidModel, "cannot reshape to an extent of ", extent);
    if (extent == 0 && !allow_zero) {
      require(static_cast<int>(i) < from.rank(), ErrorCode::kShapeMismatch, "extent ", i, " is to be copied from the shape ", from);
      extent = from[static_cast<int>(i)];
    } else if (extent == -1) {
      require(inferred < 0, ErrorCode::kInvalidModel, "only one extent can be inferred");
      inferred = static_cast<int>(i);
      extent = 1;
    }
    shape.push_back(extent);
  }
  int64_t have = known_elements(from, 0, from.rank());
  int64_t others = known_elements(shape, 0, shape.rank());
  if (inferred >= 0) {
    // Unknown extents that are copied cancel out: compare what remains.
    if (have < 0 && others < 0 && !allow_zero) {
      Shape rest_from, rest_to;
      for (int axis = 0; axis < from.rank(); ++axis) {
        bool copied = axis < static_cast<int>(wanted.size()) && wanted[static_cast<size_t>(axis)] == 0;
        if (!copied) rest_from.push_back(from[axis]);
        if (!copied && axis < shape.rank()) rest_to.push_back(shape[axis]);
      }
      for (int axis = from.rank(); axis < shape.rank(); ++axis) rest_to.push_back(shape[axis]);
      have = known_elements(rest_from, 0, rest_from.rank());
      others = known_elements(rest_to, 0, rest_to.rank());
    }
    if (have < 0 || others < 0) {
      shape[inferred] = Shape::kUnknown;
    } else {
      require(others > 0 && have % others == 0, ErrorCode::kShapeMismatch, "cannot reshape ", from, " to ", Shape(wanted));
      shape[inferred] = have / others;
    }
  } else {
    require(may_agree(have, others), ErrorCode::kShapeMismatch, "cannot reshape ", from, " to ", Shape(wanted));
  }
  return shape;
}

void infer_reshape(InferContext& context) {
  IntegerList wanted = attribute_or_input(context, "shape", 1);
  require(wanted.present, ErrorCode::kInvalidModel, "the shape is missing");
  bool allow_zero = context.attributes().integer("allowzero", 0) != 0;
  if (!wanted.known) {
    if (context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] >= 0)
      return context.set_output(0, context.dtype(0), unknown_extents(context.shape(1)[0]));
    return context.set_output_rank_unknown(0, context.dtype(0));
  }
  if (context.has_rank(0)) return context.set_output(0, context.dtype(0), reshaped(context.shape(0), wanted.values, allow_zero));
  Shape shape;
  for (int64_t extent : wanted.values) shape.push_back(extent > 0 || (extent == 0 && allow_zero) ? extent : Shape::kUnknown);
  context.set_output(0, context.dtype(0), shape);
}

void evaluate_reshape(EvaluateContext& context) {
  IntegerList wanted = attribute_or_input(context, "shape", 1);
  require(wanted.present, ErrorCode::kInvalidModel, "the shape is missing");
  const Tensor& x = context.input(0);
  context.forward(0, x.reshaped(reshaped(x.shape(), wanted.values, context.attributes().integer("allowzero", 0) != 0)));
}

// --- Flatten ---------------------------------------------------------------------------------------------------------

Shape flattened(const Shape& shape, int64_t axis) {
  require(axis >= -shape.rank() && axis <= shape.rank(), ErrorCode::kInvalidModel, "axis ", axis, " is outside of the shape ", shape);
  int split = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
  return {known_elements(shape, 0, split), known_elements(shape, split, shape.rank())};
}

void infer_flatten(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output(0, context.dtype(0), unknown_extents(2));
  context.set_output(0, context.dtype(0), flattened(context.shape(0), context.attributes().integer("axis", 1)));
}

void evaluate_flatten(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  context.forward(0, x.reshaped(flattened(x.shape(), context.attributes().integer("axis", 1))));
}

// --- Squeeze ---------------------------------------------------------------------------------------------------------

Shape squeezed(const Shape& shape, const IntegerList& axes) {
  std::vector<bool> drop(static_cast<size_t>(shape.rank()));
  if (axes.present) {
    drop = axis_flags(axes.values, shape.rank());
  } else {
    for (int axis = 0; axis < shape.rank(); ++axis) drop[static_cast<size_t>(axis)] = shape[axis] == 1;
  }
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!drop[static_cast<size_t>(axis)]) result.push_back(shape[axis]);
    else require(may_agree(shape[axis], 1), ErrorCode::kShapeMismatch, "axis ", axis, " of ", shape, " is not 1: it cannot be squeezed");
  }
  return result;
}

void infer_squeeze(InferContext& context) {
  IntegerList axes = attribute_or_input(context, "axes", 1);
  bool decidable = context.has_rank(0) && axes.known && (axes.present || context.shape(0).is_concrete());
  if (decidable) return context.set_output(0, context.dtype(0), squeezed(context.shape(0), axes));
  if (context.has_rank(0) && axes.present && context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] >= 0)
    return context.set_output(0, context.dtype(0), unknown_extents(context.shape(0).rank() - context.shape(1)[0]));
  context.set_output_rank_unknown(0, context.dtype(0));
}

void evaluate_squeeze(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  context.forward(0, x.reshaped(squeezed(x.shape(), attribute_or_input(context, "axes", 1))));
}

// --- Unsqueeze -------------------------------------------------------------------------------------------------------

Shape unsqueezed(const Shape& shape, const IntegerList& axes) {
  require(axes.present, ErrorCode::kInvalidModel, "the axes are missing");
  require(axes.values.size() <= 64, ErrorCode::kResourceLimit, "too many axes");
  int rank = shape.rank() + static_cast<int>(axes.values.size()), next = 0;
  std::vector<bool> added = axis_flags(axes.values, rank);
  Shape result;
  for (int axis = 0; axis < rank; ++axis) result.push_back(added[static_cast<size_t>(axis)] ? 1 : shape[next++]);
  return result;
}

void infer_unsqueeze(InferContext& context) {
  IntegerList axes = attribute_or_input(context, "axes", 1);
  if (context.has_rank(0) && axes.known) return context.set_output(0, context.dtype(0), unsqueezed(context.shape(0), axes));
  if (context.has_rank(0) && context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] >= 0)
    return context.set_output(0, context.dtype(0), unknown_extents(context.shape(0).rank() + context.shape(1)[0]));
  context.set_output_rank_unknown(0, context.dtype(0));
}

void evaluate_unsqueeze(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  context.forward(0, x.reshaped(unsqueezed(x.shape(), attribute_or_input(context, "axes", 1))));
}

constexpr OperatorDef definitions[] = {
    {.name = "Reshape", .since_version = 1, .max_inputs = 2, .infer = infer_reshape, .evaluate = evaluate_reshape, .transparent = true, .view = true},
    {.name = "Flatten", .infer = infer_flatten, .evaluate = evaluate_flatten, .transparent = true, .view = true},
    {.name = "Squeeze", .max_inputs = 2, .infer = infer_squeeze, .evaluate = evaluate_squeeze, .transparent = true, .view = true},
    {.name = "Unsqueeze", .max_inputs = 2, .infer = infer_unsqueeze, .evaluate = evaluate_unsqueeze, .transparent = true, .view = true},
};

}  // namespace

std::span<const OperatorDef> reshape_operators() { return definitions; }

}  // namespace octet::ops
