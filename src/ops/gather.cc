// Gather, GatherElements and GatherND: elements chosen by a tensor of indices. An index outside is an Error.
#include <cstring>

#include "ops/axes.h"
#include "ops/indices.h"
#include "ops/copy_steps.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

// --- Gather: slices along one axis -------------------------------------------------------------------------------------

Shape gathered(const Shape& data, const Shape& indices, int axis) {
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(data[i]);
  for (int64_t extent : indices) shape.push_back(extent);
  for (int i = axis + 1; i < data.rank(); ++i) shape.push_back(data[i]);
  return shape;
}

void infer_gather(InferContext& context) {
  if (!context.has_rank(0) || !context.has_rank(1)) return context.set_output_rank_unknown(0, context.dtype(0));
  int axis = normalize_axis(context.attributes().integer("axis", 0), context.shape(0).rank());
  context.set_output(0, context.dtype(0), gathered(context.shape(0), context.shape(1), axis));
}

void evaluate_gather(EvaluateContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1);
  const Shape& shape = data.shape();
  int axis = normalize_axis(context.attributes().integer("axis", 0), shape.rank());
  std::vector<int64_t> positions = checked_indices(indices, shape[axis]);
  Tensor& y = context.output(0, data.dtype(), gathered(shape, indices.shape(), axis));
  require(dtype_bits(data.dtype()) >= 8, ErrorCode::kUnsupported, "elements of type ", data.dtype(), " are not supported here");
  int64_t outer = shape.elements(0, axis), bytes = shape.elements(axis + 1, shape.rank()) * dtype_bits(data.dtype()) / 8;
  int64_t count = static_cast<int64_t>(positions.size()), row = shape[axis] * bytes;
  if (y.elements() == 0) return;
  const char* from = static_cast<const char*>(data.raw());
  char* to = static_cast<char*>(y.raw());
  parallel_ranges(context.pool(), outer * count, bytes / 4 + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::memcpy(to + i * bytes, from + i / count * row + positions[static_cast<size_t>(i % count)] * bytes, static_cast<size_t>(bytes));
  });
}

// Indices that are known now: a few slices to copy.
bool bind_gather(BindContext& context) {
  const Tensor* indices = context.constant(1);
  if (indices == nullptr || indices->elements() > 64) return false;
  const Shape &data = context.shape(0), &y = context.output_shape();
  int axis = normalize_axis(context.attributes().integer("axis", 0), data.rank());
  std::vector<int64_t> positions = checked_indices(*indices, data[axis]);
  std::vector<int64_t> strides = dense_strides(data), y_strides = dense_strides(y), outer_y;
  const int after = indices->shape().rank();   // the axes of the indices stand where the axis was
  Shape extents;
  std::vector<int64_t> x_strides;
  for (int i = 0; i < data.rank(); ++i) {
    if (i == axis) continue;
    extents.push_back(data[i]);
    x_strides.push_back(strides[static_cast<size_t>(i)]);
    outer_y.push_back(y_strides[static_cast<size_t>(i < axis ? i : i - 1 + after)]);
  }
  const int64_t slice = data.elements(axis + 1, data.rank());
  CopyList list(context);
  for (size_t i = 0; i < positions.size(); ++i)
    list.copy(0, 0, extents, x_strides, positions[i] * strides[static_cast<size_t>(axis)], outer_y, static_cast<int64_t>(i) * slice);
  return list.bind();
}

// --- GatherElements: one element per index ------------------------------------------------------------------------------

void check_elements(const Shape& data, const Shape& indices, int axis) {
  require(data.rank() == indices.rank(), ErrorCode::kShapeMismatch, "indices of shape ", indices, " for data of shape ", data);
  for (int i = 0; i < data.rank(); ++i)
    require(i == axis || indices[i] < 0 || data[i] < 0 || indices[i] <= data[i], ErrorCode::kShapeMismatch, "indices of shape ", indices,
            " reach beyond data of shape ", data);
}

void infer_elements(InferContext& context) {
  if (!context.has_rank(1)) return context.set_output_rank_unknown(0, context.dtype(0));
  if (context.has_rank(0))
    check_elements(context.shape(0), context.shape(1), normalize_axis(context.attributes().integer("axis", 0), context.shape(0).rank()));
  context.set_output(0, context.dtype(0), context.shape(1));
}

void evaluate_elements(EvaluateContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1);
  const Shape& shape = indices.shape();
  int axis = normalize_axis(context.attributes().integer("axis", 0), data.shape().rank());
  check_elements(data.shape(), shape, axis);
  std::vector<int64_t> positions = checked_indices(indices, data.shape()[axis]);
  Tensor& y = context.output(0, data.dtype(), shape);
  if (y.elements() == 0) return;
  std::vector<int64_t> strides = dense_strides(data.shape()), dense = dense_strides(shape);
  int64_t along = strides[static_cast<size_t>(axis)];
  strides[static_cast<size_t>(axis)] = 0;
  StridedLoop<2> loop;
  for (int i = 0; i < shape.rank(); ++i) loop.add_axis(shape[i], {dense[static_cast<size_t>(i)], strides[static_cast<size_t>(i)]});
  dispatch_size(data.dtype(), [&]<typename T>() {
    const T* from = static_cast<const T*>(data.raw());
    T* to = static_cast<T*>(y.raw());
    const int64_t inner = loop.inner(), step = loop.inner_stride(1);
    loop.run(0, loop.rows(), [&](const int64_t(&offsets)[2]) {
      const int64_t* position = positions.data() + offsets[0];
      for (int64_t i = 0; i < inner; ++i) to[offsets[0] + i] = from[offsets[1] + i * step + position[i] * along];
    });
  });
}

// --- GatherND: slices addressed by several indices -------------------------------------------------------------------------

Shape gathered_nd(const Shape& data, const Shape& indices, int64_t batch_axes) {
  require(indices.rank() >= 1 && data.rank() >= 1, ErrorCode::kShapeMismatch, "GatherND wants data and indices of rank 1 or more");
  int64_t depth = indices[indices.rank() - 1];
  require(batch_axes >= 0 && batch_axes < std::min(data.rank(), indices.rank()), ErrorCode::kInvalidModel, batch_axes,
          " batch axes for data of shape ", data, " and indices of shape ", indices);
  require(depth >= 1 && depth <= data.rank() - batch_axes, ErrorCode::kShapeMismatch, "tuples of ", depth, " indices into data of shape ", data);
  for (int i = 0; i < static_cast<int>(batch_axes); ++i)
    require(may_agree(data[i], indices[i]), ErrorCode::kShapeMismatch, "batch axes of ", data, " and ", indices, " differ");
  Shape shape;
  for (int i = 0; i + 1 < indices.rank(); ++i) shape.push_back(indices[i]);
  for (int i = static_cast<int>(batch_axes + depth); i < data.rank(); ++i) shape.push_back(data[i]);
  return shape;
}

void infer_nd(InferContext& context) {
  if (!context.has_rank(0) || !context.has_rank(1) || context.shape(1).rank() == 0 || context.shape(1)[context.shape(1).rank() - 1] < 0)
    return context.set_output_rank_unknown(0, context.dtype(0));
  context.set_output(0, context.dtype(0), gathered_nd(context.shape(0), context.shape(1), context.attributes().integer("batch_dims", 0)));
}

void evaluate_nd(EvaluateContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1);
  int64_t batch_axes = context.attributes().integer("batch_dims", 0);
  Tensor& y = context.output(0, data.dtype(), gathered_nd(data.shape(), indices.shape(), batch_axes));
  require(dtype_bits(data.dtype()) >= 8, ErrorCode::kUnsupported, "elements of type ", data.dtype(), " are not supported here");
  IndexTuples tuples(data.shape(), indices, static_cast<int>(batch_axes));
  if (y.elements() == 0) return;
  int64_t bytes = tuples.slice * dtype_bits(data.dtype()) / 8;
  const char* from = static_cast<const char*>(data.raw());
  char* to = static_cast<char*>(y.raw());
  for (size_t i = 0; i < tuples.offsets.size(); ++i)
    std::memcpy(to + static_cast<int64_t>(i) * bytes, from + tuples.offsets[i] * bytes, static_cast<size_t>(bytes));
}

constexpr OperatorDef definitions[] = {
    {.name = "Gather", .min_inputs = 2, .max_inputs = 2, .infer = infer_gather, .evaluate = evaluate_gather, .bind = bind_gather, .transparent = true},
    {.name = "GatherElements", .since_version = 11, .min_inputs = 2, .max_inputs = 2, .infer = infer_elements, .evaluate = evaluate_elements,
     .transparent = true},
    {.name = "GatherND", .since_version = 11, .min_inputs = 2, .max_inputs = 2, .infer = infer_nd, .evaluate = evaluate_nd, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> gather_operators() { return definitions; }

}  // namespace octet::ops
