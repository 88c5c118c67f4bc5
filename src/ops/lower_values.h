// Reading and making the 8-bit operands of integer operators.
#pragma once

#include "ops/numeric.h"

namespace octet::ops {

inline bool is_byte(DType dtype) { return dtype == DType::kUInt8 || dtype == DType::kInt8; }

// 8 bits, one scale, at most one zero point.
inline bool is_scalar_byte(const QuantizedValue& q) {
  return q.value != nullptr && is_byte(q.value->dtype) && q.scale->shape->elements() == 1 &&
         (q.zero_point == nullptr || q.zero_point->shape->elements() == 1);
}

inline int32_t zero_point_of(const QuantizedValue& q) {
  return q.zero_point == nullptr ? 0 : Reader<int32_t>(q.zero_point->constant())[0];
}
inline float scale_of(const QuantizedValue& q) { return Reader<float>(q.scale->constant())[0]; }

template <typename T>
Value* constant(LowerContext& context, std::string_view name, const std::vector<T>& values) {
  return context.graph().add_constant(name, Tensor::from<T>(Shape{static_cast<int64_t>(values.size())}, std::span<const T>(values)));
}

// Zero points of an 8-bit type, as a vector.
inline Value* zero_points(LowerContext& context, DType dtype, const std::vector<int32_t>& values) {
  Tensor tensor(dtype, Shape{static_cast<int64_t>(values.size())});
  store_elements(values.data(), tensor);
  return context.graph().add_constant("zero_point", tensor);
}

// The zero point input of a value, made where DequantizeLinear or QuantizeLinear left it out.
inline Value* zero_point(LowerContext& context, const QuantizedValue& q) {
  if (q.zero_point != nullptr) return q.zero_point;
  Tensor zero(q.value->dtype, Shape{});
  *static_cast<uint8_t*>(zero.raw()) = 0;
  return context.graph().add_constant("zero_point", zero);
}

}  // namespace octet::ops
