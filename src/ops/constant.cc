// Tensors from nothing but attributes and scalars: Constant, ConstantOfShape, Range, EyeLike.
#include <cmath>
#include <cstring>

#include "ops/axes.h"

namespace octet::ops {

namespace {

// --- Constant ----------------------------------------------------------------------------------------------------------

Tensor constant_of(const Attributes& attributes) {
  if (attributes.has("value")) return attributes.tensor("value");
  if (attributes.has("value_float")) return Tensor::scalar(attributes.real("value_float"));
  if (attributes.has("value_int")) return Tensor::scalar(attributes.integer("value_int"));
  if (attributes.has("value_floats")) {
    auto values = attributes.reals("value_floats");
    return Tensor::from(Shape{static_cast<int64_t>(values.size())}, values);
  }
  if (attributes.has("value_ints")) {
    auto values = attributes.integers("value_ints");
    return Tensor::from(Shape{static_cast<int64_t>(values.size())}, values);
  }
  fail(ErrorCode::kUnsupported, "a constant that is neither a tensor nor numbers");
}

void infer_constant(InferContext& context) {
  Tensor value = constant_of(context.attributes());
  context.set_output(0, value.dtype(), value.shape());
}

void evaluate_constant(EvaluateContext& context) { context.forward(0, constant_of(context.attributes()).aligned()); }

// --- ConstantOfShape -----------------------------------------------------------------------------------------------------

Tensor fill_value(const Attributes& attributes) {
  if (!attributes.has("value")) return Tensor::scalar(0.0f);
  const Tensor& value = attributes.tensor("value");
  require(value.elements() == 1, ErrorCode::kInvalidModel, "the fill value has the shape ", value.shape());
  return value.aligned();
}

Shape shape_of(const Tensor& tensor) {
  Shape shape;
  for (int64_t extent : integers_of(tensor)) {
    require(extent >= 0, ErrorCode::kInvalidModel, "a shape with an extent of ", extent);
    shape.push_back(extent);
  }
  return shape;
}

void infer_of_shape(InferContext& context) {
  DType dtype = fill_value(context.attributes()).dtype();
  if (const Tensor* wanted = context.constant(0)) return context.set_output(0, dtype, shape_of(*wanted));
  if (context.has_rank(0) && context.shape(0).rank() == 1 && context.shape(0)[0] >= 0)
    return context.set_output(0, dtype, unknown_extents(context.shape(0)[0]));
  context.set_output_rank_unknown(0, dtype);
}

void evaluate_of_shape(EvaluateContext& context) {
  Tensor value = fill_value(context.attributes());
  Tensor& y = context.output(0, value.dtype(), shape_of(context.input(0)));
  dispatch_size(value.dtype(), [&]<typename T>() {
    T fill = *static_cast<const T*>(value.raw()), *to = static_cast<T*>(y.raw());
    for (int64_t i = 0, count = y.elements(); i < count; ++i) to[i] = fill;
  });
}

// --- Range -----------------------------------------------------------------------------------------------------------------

using RangeTypes = JoinTypes<FloatTypes, Types<int16_t, int32_t, int64_t>>::type;
constexpr int64_t kMostElements = int64_t{1} << 40;

template <typename T>
int64_t range_length(T start, T limit, T delta) {
  require(delta != 0, ErrorCode::kInvalidModel, "a range with step 0");
  if (delta > 0 ? !(limit > start) : !(limit < start)) return 0;
  if constexpr (std::is_integral_v<T>) {
    uint64_t distance = delta > 0 ? static_cast<uint64_t>(limit) - static_cast<uint64_t>(start) : static_cast<uint64_t>(start) - static_cast<uint64_t>(limit);
    uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
    uint64_t count = (distance - 1) / step + 1;
    require(count <= static_cast<uint64_t>(kMostElements), ErrorCode::kResourceLimit, "a range of ", count, " elements");
    return static_cast<int64_t>(count);
  } else {
    double count = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    require(count <= static_cast<double>(kMostElements), ErrorCode::kResourceLimit, "a range of ", count, " elements");
    return static_cast<int64_t>(count);
  }
}

void check_scalars(const Tensor& start, const Tensor& limit, const Tensor& delta) {
  require(start.elements() == 1 && limit.elements() == 1 && delta.elements() == 1, ErrorCode::kShapeMismatch, "start, limit and delta of a range must be scalars");
}

void infer_range(InferContext& context) {
  const Tensor *start = context.constant(0), *limit = context.constant(1), *delta = context.constant(2);
  int64_t count = Shape::kUnknown;
  if (start != nullptr && limit != nullptr && delta != nullptr) {
    check_scalars(*start, *limit, *delta);
    dispatch(start->dtype(), RangeTypes(), [&]<typename T>() {
      count = range_length(widen(*typed<T>(*start)), widen(*typed<T>(*limit)), widen(*typed<T>(*delta)));
    });
  }
  context.set_output(0, context.dtype(0), Shape{count});
}

void evaluate_range(EvaluateContext& context) {
  const Tensor &start = context.input(0), &limit = context.input(1), &delta = context.input(2);
  check_scalars(start, limit, delta);
  dispatch(start.dtype(), RangeTypes(), [&]<typename T>() {
    auto from = widen(*typed<T>(start)), step = widen(*typed<T>(delta));
    int64_t count = range_length(from, widen(*typed<T>(limit)), step);
    T* to = typed<T>(context.output(0, start.dtype(), Shape{count}));
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (kIsFloating<T>) to[i] = narrow<T>(from + static_cast<decltype(from)>(i) * step);
      else to[i] = static_cast<T>(static_cast<uint64_t>(from) + static_cast<uint64_t>(i) * static_cast<uint64_t>(step));
    }
  });
}

// --- EyeLike ---------------------------------------------------------------------------------------------------------------

DType eye_type(const Attributes& attributes, DType input) {
  DType dtype = attributes.has("dtype") ? static_cast<DType>(attributes.integer("dtype")) : input;
  bool found = false;
  dispatch(dtype, NumericAndBoolTypes(), [&]<typename T>() { found = true; });
  return found ? dtype : DType::kUndefined;
}

void infer_eye(InferContext& context) {
  DType dtype = eye_type(context.attributes(), context.dtype(0));
  if (!context.has_rank(0)) return context.set_output(0, dtype, unknown_extents(2));
  require(context.shape(0).rank() == 2, ErrorCode::kShapeMismatch, "EyeLike wants a matrix, not a tensor of shape ", context.shape(0));
  context.set_output(0, dtype, context.shape(0));
}

void evaluate_eye(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  require(shape.rank() == 2, ErrorCode::kShapeMismatch, "EyeLike wants a matrix, not a tensor of shape ", shape);
  Tensor& y = context.output(0, eye_type(context.attributes(), context.input(0).dtype()), shape);
  int64_t diagonal = context.attributes().integer("k", 0), columns = shape[1];
  if (y.elements() > 0) std::memset(y.raw(), 0, y.bytes());
  dispatch(y.dtype(), NumericAndBoolTypes(), [&]<typename T>() {
    T* to = typed<T>(y);
    if (diagonal < -shape[0] || diagonal > columns) return;
    for (int64_t row = 0; row < shape[0]; ++row)
      if (int64_t column = row + diagonal; column >= 0 && column < columns) to[row * columns + column] = narrow<T>(1);
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "Constant", .min_inputs = 0, .max_inputs = 0, .infer = infer_constant, .evaluate = evaluate_constant},
    {.name = "ConstantOfShape", .since_version = 9, .infer = infer_of_shape, .evaluate = evaluate_of_shape},
    {.name = "Range", .since_version = 11, .min_inputs = 3, .max_inputs = 3, .infer = infer_range, .evaluate = evaluate_range},
    {.name = "EyeLike", .since_version = 9, .infer = infer_eye, .evaluate = evaluate_eye, .reads_only_shape = true},
};

}  // namespace

std::span<const OperatorDef> constant_operators() { return definitions; }

}  // namespace octet::ops
