// Slice: ranges with steps along some axes; attributes before opset 10, inputs since.
#include <algorithm>

#include "ops/axes.h"
#include "ops/copy_steps.h"

namespace octet::ops {

namespace {

struct Cut {
  int64_t start, step, count;
};

// The elements start, start + step, ... before `end` of an extent, with ONNX's clamping.
Cut cut(int64_t extent, int64_t start, int64_t end, int64_t step) {
  require(step != 0, ErrorCode::kInvalidModel, "a slice with step 0");
  constexpr int64_t kFar = int64_t{1} << 61;
  step = std::clamp(step, -kFar, kFar);
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  int64_t count;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, extent);
    end = std::clamp<int64_t>(end, 0, extent);
    count = end > start ? (end - start + step - 1) / step : 0;
  } else {
    start = std::clamp<int64_t>(start, 0, std::max<int64_t>(extent - 1, 0));
    end = std::clamp<int64_t>(end, -1, std::max<int64_t>(extent - 1, -1));
    count = extent > 0 && start > end ? (start - end - step - 1) / -step : 0;
  }
  return {start, count > 1 ? step : 1, count};
}

struct Ranges {
  IntegerList starts, ends, axes, steps;
};

template <typename Context>
Ranges ranges(const Context& context) {
  return {attribute_or_input(context, "starts", 1), attribute_or_input(context, "ends", 2), attribute_or_input(context, "axes", 3),
          attribute_or_input(context, "steps", 4)};
}

void check(const Ranges& r) {
  size_t count = r.starts.values.size();
  require(r.starts.present && r.ends.present, ErrorCode::kInvalidModel, "a slice without starts or ends");
  require(r.ends.values.size() == count && (!r.axes.present || r.axes.values.size() == count) &&
              (!r.steps.present || r.steps.values.size() == count),
          ErrorCode::kInvalidModel, "starts, ends, axes and steps of a slice have different lengths");
}

// One cut per axis of `shape`; unknown extents are not cut (the caller looks at them first).
std::vector<Cut> cuts(const Ranges& r, const Shape& shape) {
  check(r);
  std::vector<Cut> result;
  for (int64_t extent : shape) result.push_back({0, 1, extent});
  std::vector<bool> seen(static_cast<size_t>(shape.rank()));
  for (size_t i = 0; i < r.starts.values.size(); ++i) {
    int axis = normalize_axis(r.axes.present ? r.axes.values[i] : static_cast<int64_t>(i), shape.rank());
    auto flag = seen[static_cast<size_t>(axis)];
    require(!flag, ErrorCode::kInvalidModel, "axis ", axis, " is sliced twice");
    flag = true;
    int64_t start = r.starts.values[i], end = r.ends.values[i], step = r.steps.present ? r.steps.values[i] : 1;
    Cut& of_axis = result[static_cast<size_t>(axis)];
    if (shape[axis] >= 0) {
      of_axis = cut(shape[axis], start, end, step);
    } else {
      // From the front or the back to the very end: the whole of an unknown extent stays unknown.
      of_axis = {0, 1, Shape::kUnknown};
    }
  }
  return result;
}

void infer(InferContext& context) {
  DType dtype = context.dtype(0);
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, dtype);
  const Shape& shape = context.shape(0);
  Ranges r = ranges(context);
  if (r.starts.known && r.ends.known && r.axes.known && r.steps.known) {
    Shape result;
    for (const Cut& c : cuts(r, shape)) result.push_back(c.count);
    return context.set_output(0, dtype, result);
  }
  Shape result = shape;
  if (r.axes.known && r.axes.present) {
    for (int64_t axis : r.axes.values) result[normalize_axis(axis, shape.rank())] = Shape::kUnknown;
  } else {
    result = unknown_extents(shape.rank());
  }
  context.set_output(0, dtype, result);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  std::vector<Cut> of_axes = cuts(ranges(context), x.shape());
  std::vector<int64_t> strides = dense_strides(x.shape());
  Shape shape;
  int64_t offset = 0;
  for (size_t axis = 0; axis < of_axes.size(); ++axis) {
    shape.push_back(of_axes[axis].count);
    if (of_axes[axis].count > 0) offset += of_axes[axis].start * strides[axis];
    strides[axis] *= of_axes[axis].step;
  }
  Tensor& y = context.output(0, x.dtype(), shape);
  if (y.elements() == 0) return;
  const char* from = static_cast<const char*>(x.raw()) + offset * dtype_bits(x.dtype()) / 8;
  strided_copy(x.dtype(), shape, from, strides, y.raw(), dense_strides(shape), context.pool());
}

IntegerList constant_list(const BindContext& context, std::string_view attribute, size_t i) {
  IntegerList list;
  if (context.has_input(i)) {
    list.present = true;
    list.known = context.constant(i) != nullptr;
    if (list.known) list.values = integers_of(*context.constant(i));
  } else if (context.attributes().has(attribute)) {
    auto values = context.attributes().integers(attribute);
    list = {true, true, std::vector<int64_t>(values.begin(), values.end())};
  }
  return list;
}

bool bind(BindContext& context) {
  const Node& node = context.node();
  Ranges r{constant_list(context, "starts", 1), constant_list(context, "ends", 2), constant_list(context, "axes", 3), constant_list(context, "steps", 4)};
  if (!r.starts.known || !r.ends.known || !r.axes.known || !r.steps.known) return false;
  std::vector<Cut> of_axes = cuts(r, context.shape(0));
  std::vector<int64_t> strides = layout_strides(*node.inputs[0]);
  int64_t offset = 0;
  for (size_t axis = 0; axis < of_axes.size(); ++axis) {
    offset += of_axes[axis].count > 0 ? of_axes[axis].start * strides[axis] : 0;
    strides[axis] *= of_axes[axis].step;
  }
  CopyList list(context);
  list.copy(0, 0, context.output_shape(), strides, offset, layout_strides(*node.outputs[0]), 0);
  return list.bind();
}

constexpr OperatorDef definitions[] = {
    {.name = "Slice", .max_inputs = 5, .infer = infer, .evaluate = evaluate, .bind = bind, .layout = agnostic_with_constants, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> slice_operators() { return definitions; }

}  // namespace octet::ops
