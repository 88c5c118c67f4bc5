// Concat: tensors one behind the other along an axis.
#include <cstring>

#include "ops/axes.h"
#include "ops/copy_steps.h"
#include "ops/lowering.h"

namespace octet::ops {

namespace {

// Of the shapes so far and one more; everything but the axis must agree.
void append(Shape& shape, const Shape& next, int axis) {
  require(shape.rank() == next.rank(), ErrorCode::kShapeMismatch, "cannot concatenate ", shape, " and ", next);
  for (int i = 0; i < shape.rank(); ++i) {
    if (i == axis) {
      shape[i] = shape[i] < 0 || next[i] < 0 ? Shape::kUnknown : shape[i] + next[i];
    } else {
      require(may_agree(shape[i], next[i]), ErrorCode::kShapeMismatch, "cannot concatenate ", shape, " and ", next, " along axis ", axis);
      if (shape[i] < 0) shape[i] = next[i];
    }
  }
}

void infer(InferContext& context) {
  DType dtype = context.dtype(0);
  std::optional<Shape> shape;
  int axis = 0;
  bool all = true;
  for (size_t i = 0; i < context.inputs(); ++i) {
    require(context.dtype(i) == dtype, ErrorCode::kShapeMismatch, "cannot concatenate ", dtype, " and ", context.dtype(i));
    if (!context.has_rank(i)) {
      all = false;
      continue;
    }
    if (!shape) {
      shape = context.shape(i);
      axis = normalize_axis(context.attributes().integer("axis"), shape->rank());
    } else {
      append(*shape, context.shape(i), axis);
    }
  }
  if (!shape) return context.set_output_rank_unknown(0, dtype);
  if (!all) (*shape)[axis] = Shape::kUnknown;
  context.set_output(0, dtype, *shape);
}

void evaluate(EvaluateContext& context) {
  DType dtype = context.input(0).dtype();
  Shape shape = context.input(0).shape();
  int axis = normalize_axis(context.attributes().integer("axis"), shape.rank());
  for (size_t i = 1; i < context.inputs(); ++i) {
    require(context.input(i).dtype() == dtype, ErrorCode::kShapeMismatch, "cannot concatenate ", dtype, " and ", context.input(i).dtype());
    append(shape, context.input(i).shape(), axis);
  }
  Tensor& y = context.output(0, dtype, shape);
  require(dtype_bits(dtype) >= 8, ErrorCode::kUnsupported, "elements of type ", dtype, " are not supported here");
  int64_t outer = shape.elements(0, axis), bytes = shape.elements(axis + 1, shape.rank()) * dtype_bits(dtype) / 8, row = shape[axis] * bytes;
  int64_t offset = 0;
  for (size_t i = 0; i < context.inputs(); ++i) {
    int64_t size = context.input(i).shape()[axis] * bytes;
    const char* from = static_cast<const char*>(context.input(i).raw());
    char* to = static_cast<char*>(y.raw()) + offset;
    if (size > 0)
      parallel_ranges(context.pool(), outer, size / 4, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) std::memcpy(to + r * row, from + r * size, static_cast<size_t>(size));
      });
    offset += size;
  }
}

bool bind(BindContext& context) {
  const Node& node = context.node();
  const int axis = normalize_axis(context.attributes().integer("axis"), context.output_shape().rank());
  std::vector<int64_t> strides = layout_strides(*node.outputs[0]);
  CopyList list(context);
  int64_t position = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    list.copy(i, 0, context.shape(i), layout_strides(*node.inputs[i]), 0, strides, position * strides[static_cast<size_t>(axis)]);
    position += context.shape(i)[axis];
  }
  return list.bind();
}

LayoutSupport layout(const Node& node) {
  const int bits = dtype_bits(node.outputs[0]->dtype);
  return bits >= 8 && bits <= 64 && node.inputs.size() <= 128 ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

constexpr OperatorDef definitions[] = {
    {.name = "Concat", .since_version = 4, .max_inputs = kVariadic, .infer = infer, .evaluate = evaluate, .bind = bind, .lower = lower_concat,
     .layout = layout},
};

}  // namespace

std::span<const OperatorDef> concat_operators() { return definitions; }

}  // namespace octet::ops
