// Multidirectional broadcasting as in NumPy and ONNX.
#pragma once

#include <algorithm>

#include "graph/operator.h"
#include "ops/strided.h"

namespace octet::ops {

// The common shape; unknown extents stay unknown unless the other side decides. Error when the shapes do not go together.
inline Shape broadcast(const Shape& a, const Shape& b) {
  int rank = std::max(a.rank(), b.rank());
  Shape result;
  for (int axis = 0; axis < rank; ++axis) {
    int in_a = axis - (rank - a.rank()), in_b = axis - (rank - b.rank());
    int64_t from_a = in_a < 0 ? 1 : a[in_a], from_b = in_b < 0 ? 1 : b[in_b];
    if (from_a == 1) result.push_back(from_b);
    else if (from_b == 1 || from_a == from_b) result.push_back(from_a);
    else if (from_a < 0) result.push_back(from_b);
    else if (from_b < 0) result.push_back(from_a);
    else fail(ErrorCode::kShapeMismatch, "shapes ", a, " and ", b, " cannot be broadcast together");
  }
  return result;
}

// Output 0 has the broadcast shape of inputs [first, last] and type `dtype`.
inline void infer_broadcast(InferContext& context, DType dtype, size_t first, size_t last) {
  Shape shape;
  for (size_t i = first; i <= last; ++i) {
    if (!context.has_rank(i)) return context.set_output_rank_unknown(0, dtype);
    shape = broadcast(shape, context.shape(i));
  }
  context.set_output(0, dtype, std::move(shape));
}

// Strides of a dense tensor of `shape` seen in the broadcast shape `target`: 0 where it is repeated.
inline std::vector<int64_t> broadcast_strides(const Shape& shape, const Shape& target) {
  std::vector<int64_t> strides(static_cast<size_t>(target.rank()), 0), dense = dense_strides(shape);
  int shift = target.rank() - shape.rank();
  require(shift >= 0, ErrorCode::kShapeMismatch, "shape ", shape, " cannot be broadcast to ", target);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    int64_t extent = shape[axis];
    require(extent == 1 || extent == target[axis + shift], ErrorCode::kShapeMismatch, "shape ", shape,
            " cannot be broadcast to ", target);
    if (extent != 1) strides[static_cast<size_t>(axis + shift)] = dense[static_cast<size_t>(axis)];
  }
  return strides;
}

// A loop whose operand 0 is the dense result of shape `target` and whose others are dense tensors that broadcast to it.
template <int N>
StridedLoop<N> broadcast_loop(const Shape& target, const std::array<const Shape*, N - 1>& shapes) {
  std::array<std::vector<int64_t>, N> strides;
  strides[0] = dense_strides(target);
  for (size_t i = 1; i < N; ++i) strides[i] = broadcast_strides(*shapes[i - 1], target);
  StridedLoop<N> loop;
  for (int axis = 0; axis < target.rank(); ++axis) {
    std::array<int64_t, N> of_axis;
    for (size_t i = 0; i < N; ++i) of_axis[i] = strides[i][static_cast<size_t>(axis)];
    loop.add_axis(target[axis], of_axis);
  }
  return loop;
}

// Strides by logical axis of a value stored in its layout.
inline std::vector<int64_t> layout_strides(const Value& value) {
  const Shape& shape = *value.shape;
  std::vector<int64_t> stored = dense_strides(BindContext::stored(value));
  if (value.layout == Layout::kOnnx || shape.rank() < 3) return stored;
  std::vector<int64_t> strides(stored.size());
  strides[0] = stored[0];
  strides[1] = stored.back();
  for (size_t axis = 2; axis < strides.size(); ++axis) strides[axis] = stored[axis - 1];
  return strides;
}

// The loop of a step: operand 0 is the output, walked as it lies in memory; the inputs broadcast to it, each in its own layout.
template <int N>
StridedLoop<N> step_loop(const Value& output, const std::array<const Value*, N - 1>& inputs) {
  const Shape& target = *output.shape;
  size_t rank = static_cast<size_t>(target.rank());
  std::array<std::vector<int64_t>, N> strides;
  strides[0] = layout_strides(output);
  for (size_t i = 1; i < N; ++i) {
    const Shape& shape = *inputs[i - 1]->shape;
    std::vector<int64_t> own = layout_strides(*inputs[i - 1]);
    strides[i].assign(rank, 0);
    size_t shift = rank - own.size();
    for (size_t axis = 0; axis < own.size(); ++axis)
      if (shape[static_cast<int>(axis)] != 1) strides[i][axis + shift] = own[axis];
  }
  StridedLoop<N> loop;
  auto add = [&](size_t axis) {
    std::array<int64_t, N> of_axis;
    for (size_t i = 0; i < N; ++i) of_axis[i] = strides[i][axis];
    loop.add_axis(target[static_cast<int>(axis)], of_axis);
  };
  bool channels_last = output.layout == Layout::kChannelsLast && rank >= 3;
  for (size_t axis = 0; axis < rank; ++axis)
    if (axis != 1 || !channels_last) add(axis);
  if (channels_last) add(1);
  return loop;
}

// Elementwise operators follow the layout of their operands when those that are not constant are as deep as the result, or single numbers.
inline LayoutSupport broadcast_layout(const Node& node) {
  const Value* output = node.outputs[0];
  if (!output->shape) return LayoutSupport::kOnnxOnly;
  for (const Value* input : node.inputs) {
    if (input == nullptr || input->is_constant()) continue;
    if (!input->has_concrete_shape()) return LayoutSupport::kOnnxOnly;
    if (input->shape->rank() != output->shape->rank() && input->shape->elements() != 1) return LayoutSupport::kOnnxOnly;
  }
  return LayoutSupport::kAgnostic;
}

// y = function(a, b) over the broadcast shape, each in its compute type.
template <typename TA, typename TB, typename TY, typename Function>
void broadcast_binary(const StridedLoop<3>& loop, const TA* a, const TB* b, TY* y, ThreadPool* pool, const Function& function) {
  const int64_t inner = loop.inner(), step_y = loop.inner_stride(0), step_a = loop.inner_stride(1), step_b = loop.inner_stride(2);
  auto row = [&](TY* out, const TA* left, const TB* right, int64_t count) {
    if (step_y == 1 && step_a == 1 && step_b == 1) {
      for (int64_t i = 0; i < count; ++i) out[i] = narrow<TY>(function(widen(left[i]), widen(right[i])));
    } else if (step_y == 1 && step_a == 1 && step_b == 0) {
      const auto constant = widen(*right);
      for (int64_t i = 0; i < count; ++i) out[i] = narrow<TY>(function(widen(left[i]), constant));
    } else if (step_y == 1 && step_a == 0 && step_b == 1) {
      const auto constant = widen(*left);
      for (int64_t i = 0; i < count; ++i) out[i] = narrow<TY>(function(constant, widen(right[i])));
    } else {
      for (int64_t i = 0; i < count; ++i)
        out[i * step_y] = narrow<TY>(function(widen(left[i * step_a]), widen(right[i * step_b])));
    }
  };
  if (loop.rows() == 1) {   // one long row: share it out
    parallel_ranges(pool, inner, 1, [&](int64_t begin, int64_t end) {
      row(y + begin * step_y, a + begin * step_a, b + begin * step_b, end - begin);
    });
    return;
  }
  parallel_ranges(pool, loop.rows(), inner, [&](int64_t begin, int64_t end) {
    loop.run(begin, end, [&](const int64_t(&offsets)[3]) { row(y + offsets[0], a + offsets[1], b + offsets[2], inner); });
  });
}

}  // namespace octet::ops
