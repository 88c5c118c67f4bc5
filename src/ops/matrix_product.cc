#include "ops/matrix_product.h"

namespace octet::ops {

namespace {

// An operand as batch axes, rows and columns. A vector stands as one row (left) or one column (right).
struct Operand {
  Shape batch;
  int64_t rows = 1, columns = 1;
};

Operand operand(const Shape& shape, Transposed t, bool left) {
  require(shape.rank() >= 1, ErrorCode::kShapeMismatch, "a matrix product with a scalar");
  Operand o;
  if (shape.rank() == 1) {
    (left ? o.columns : o.rows) = shape[0];
    return o;
  }
  int last = shape.rank() - 1;
  int row_axis = t.batch ? 0 : last - 1;
  for (int axis = 0; axis < last; ++axis)
    if (axis != row_axis) o.batch.push_back(shape[axis]);
  o.rows = shape[row_axis];
  o.columns = shape[last];
  if (t.matrix) std::swap(o.rows, o.columns);
  return o;
}

std::vector<int64_t> batch_strides(const Shape& shape, Transposed t, const Shape& target) {
  std::vector<int64_t> dense = dense_strides(shape), strides(static_cast<size_t>(target.rank()), 0);
  if (shape.rank() < 3) return strides;
  int row_axis = t.batch ? 0 : shape.rank() - 2, to = target.rank() - (shape.rank() - 2);
  for (int axis = 0; axis < shape.rank() - 1; ++axis) {
    if (axis == row_axis) continue;
    if (shape[axis] != 1) strides[static_cast<size_t>(to)] = dense[static_cast<size_t>(axis)];
    ++to;
  }
  return strides;
}

}  // namespace

Shape matrix_product_shape(const Shape& a, const Shape& b, Transposed ta, Transposed tb) {
  Operand left = operand(a, ta, true), right = operand(b, tb, false);
  require(left.columns < 0 || right.rows < 0 || left.columns == right.rows, ErrorCode::kShapeMismatch, "matrices of shapes ", a, " and ",
          b, " cannot be multiplied");
  Shape shape = broadcast(left.batch, right.batch);
  if (a.rank() > 1) shape.push_back(left.rows);
  if (b.rank() > 1) shape.push_back(right.columns);
  return shape;
}

MatrixProduct plan_matrix_product(const Shape& a, const Shape& b, Transposed ta, Transposed tb) {
  MatrixProduct p;
  p.output = matrix_product_shape(a, b, ta, tb);
  Operand left = operand(a, ta, true), right = operand(b, tb, false);
  Shape batch = broadcast(left.batch, right.batch);
  p.m = left.rows;
  p.k = left.columns;
  p.n = right.columns;
  p.batches = batch.elements();
  p.batch_extents = batch.extents();
  p.a_strides = batch_strides(a, ta, batch);
  p.b_strides = batch_strides(b, tb, batch);
  auto row_stride = [](const Shape& shape, Transposed t) {
    return shape.rank() < 2 ? int64_t{1} : dense_strides(shape)[static_cast<size_t>(t.batch ? 0 : shape.rank() - 2)];
  };
  p.a_row = row_stride(a, ta);
  p.b_row = row_stride(b, tb);
  if (b.rank() == 1) p.b_column = 1, p.b_row = 1;
  if (ta.matrix && a.rank() > 1) std::swap(p.a_row, p.a_column);
  if (tb.matrix && b.rank() > 1) std::swap(p.b_row, p.b_column);
  return p;
}

void infer_matrix_product(InferContext& context, size_t a, size_t b, DType dtype, Transposed ta, Transposed tb) {
  if (!context.has_rank(a) || !context.has_rank(b)) return context.set_output_rank_unknown(0, dtype);
  context.set_output(0, dtype, matrix_product_shape(context.shape(a), context.shape(b), ta, tb));
}

int64_t matrix_product_macs(const Node& node, size_t a, Transposed ta) {
  const Shape& shape = *node.inputs[a]->shape;
  int64_t k = shape.rank() == 1 || !ta.matrix ? shape[shape.rank() - 1] : shape[ta.batch ? 0 : shape.rank() - 2];
  return node.outputs[0]->shape->elements() * k;
}

DynamicQuantization dynamic_quantization(float min, float max) {
  min = std::min(min, 0.0f);
  max = std::max(max, 0.0f);
  if (!(max > min)) return {1.0f, 0};
  float scale = (max - min) / 255.0f;
  if (!(scale > 0.0f)) return {1.0f, 0};   // a range of denormals
  float zero = -min / scale;
  return {scale, static_cast<int32_t>(round_half_even(std::clamp(zero, 0.0f, 255.0f)))};
}

DynamicQuantization dynamic_quantization(const float* values, int64_t count) {
  float min = 0, max = 0;
  for (int64_t i = 0; i < count; ++i) {
    min = values[i] < min ? values[i] : min;
    max = values[i] > max ? values[i] : max;
  }
  return dynamic_quantization(min, max);
}

uint8_t quantize_u8(float value, DynamicQuantization q) {
  return static_cast<uint8_t>(requantize(value / q.scale, {0, 255}, q.zero_point));
}

std::vector<uint32_t> centred_columns(const Tensor& values, const Reader<int32_t>& zero, int64_t columns) {
  Reader<int32_t> read(values);
  require(!zero || zero.size() == 1 || zero.size() == columns, ErrorCode::kShapeMismatch, zero.size(), " zero points for ", columns, " columns");
  std::vector<uint32_t> out(static_cast<size_t>(read.size()));
  for (int64_t i = 0; i < read.size(); ++i)
    out[static_cast<size_t>(i)] = static_cast<uint32_t>(read[i] - (!zero ? 0 : zero[zero.size() == 1 ? 0 : i % columns]));
  return out;
}

}  // namespace octet::ops
