#include "ops/numeric.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/half.h"

namespace octet::ops {

namespace {

// Integers wrap through 64 bits; floats convert as C++ does, out of range values (undefined there) become 0.
template <typename To, typename T>
To narrow(T value) {
  if constexpr (std::is_floating_point_v<T> && std::is_integral_v<To>) {
    if (!(value > -9.2e18 && value < 9.2e18)) return 0;
    return static_cast<To>(static_cast<int64_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename T, typename From>
void widen(const Tensor& tensor, T* out) {
  const From* in = static_cast<const From*>(tensor.raw());
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; ++i) out[i] = narrow<T>(in[i]);
}

template <typename T, typename From, typename Convert>
void widen_with(const Tensor& tensor, T* out, Convert convert) {
  const From* in = static_cast<const From*>(tensor.raw());
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; ++i) out[i] = narrow<T>(convert(in[i]));
}

template <typename T>
void widen_nibbles(const Tensor& tensor, T* out) {
  const uint8_t* in = static_cast<const uint8_t*>(tensor.raw());
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; ++i) {
    uint8_t nibble = (in[i / 2] >> (i % 2 * 4)) & 15;
    if (tensor.dtype() == DType::kInt4) out[i] = static_cast<T>(nibble >= 8 ? nibble - 16 : nibble);
    else if (tensor.dtype() == DType::kFloat4E2M1) out[i] = static_cast<T>(from_float4e2m1(nibble));
    else out[i] = static_cast<T>(nibble);
  }
}

template <typename T, typename To>
void narrow_all(const T* values, Tensor& tensor) {
  To* out = static_cast<To*>(tensor.raw());
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; ++i) out[i] = narrow<To>(values[i]);
}

template <typename T, typename To, typename Convert>
void narrow_with(const T* values, Tensor& tensor, Convert convert) {
  To* out = static_cast<To*>(tensor.raw());
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; ++i) out[i] = convert(static_cast<float>(values[i]));
}

template <typename T>
void narrow_nibbles(const T* values, Tensor& tensor) {
  uint8_t* out = static_cast<uint8_t*>(tensor.raw());
  int64_t count = tensor.elements();
  std::memset(out, 0, tensor.bytes());
  for (int64_t i = 0; i < count; ++i) {
    uint8_t nibble = tensor.dtype() == DType::kFloat4E2M1 ? to_float4e2m1(static_cast<float>(values[i])) : narrow<uint8_t>(values[i]) & 15;
    out[i / 2] = static_cast<uint8_t>(out[i / 2] | nibble << (i % 2 * 4));
  }
}

}  // namespace

template <typename T>
void load_elements(const Tensor& tensor, T* out) {
  switch (tensor.dtype()) {
    case DType::kFloat32: return widen<T, float>(tensor, out);
    case DType::kFloat64: return widen<T, double>(tensor, out);
    case DType::kUInt8: return widen<T, uint8_t>(tensor, out);
    case DType::kBool: return widen<T, uint8_t>(tensor, out);
    case DType::kInt8: return widen<T, int8_t>(tensor, out);
    case DType::kUInt16: return widen<T, uint16_t>(tensor, out);
    case DType::kInt16: return widen<T, int16_t>(tensor, out);
    case DType::kUInt32: return widen<T, uint32_t>(tensor, out);
    case DType::kInt32: return widen<T, int32_t>(tensor, out);
    case DType::kUInt64: return widen<T, uint64_t>(tensor, out);
    case DType::kInt64: return widen<T, int64_t>(tensor, out);
    case DType::kFloat16: return widen_with<T, Float16>(tensor, out, [](Float16 v) { return to_float(v); });
    case DType::kBFloat16: return widen_with<T, BFloat16>(tensor, out, [](BFloat16 v) { return to_float(v); });
    case DType::kFloat8E4M3FN: return widen_with<T, uint8_t>(tensor, out, from_float8e4m3fn);
    case DType::kFloat8E4M3FNUZ: return widen_with<T, uint8_t>(tensor, out, from_float8e4m3fnuz);
    case DType::kFloat8E5M2: return widen_with<T, uint8_t>(tensor, out, from_float8e5m2);
    case DType::kFloat8E5M2FNUZ: return widen_with<T, uint8_t>(tensor, out, from_float8e5m2fnuz);
    case DType::kUInt4: case DType::kInt4: case DType::kFloat4E2M1: return widen_nibbles(tensor, out);
    default: fail(ErrorCode::kUnsupported, "a tensor of type ", tensor.dtype(), " does not hold numbers");
  }
}

template <typename T>
void store_elements(const T* values, Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kFloat32: return narrow_all<T, float>(values, tensor);
    case DType::kFloat64: return narrow_all<T, double>(values, tensor);
    case DType::kUInt8: return narrow_all<T, uint8_t>(values, tensor);
    case DType::kInt8: return narrow_all<T, int8_t>(values, tensor);
    case DType::kUInt16: return narrow_all<T, uint16_t>(values, tensor);
    case DType::kInt16: return narrow_all<T, int16_t>(values, tensor);
    case DType::kUInt32: return narrow_all<T, uint32_t>(values, tensor);
    case DType::kInt32: return narrow_all<T, int32_t>(values, tensor);
    case DType::kUInt64: return narrow_all<T, uint64_t>(values, tensor);
    case DType::kInt64: return narrow_all<T, int64_t>(values, tensor);
    case DType::kFloat16: return narrow_with<T, Float16>(values, tensor, to_float16);
    case DType::kBFloat16: return narrow_with<T, BFloat16>(values, tensor, to_bfloat16);
    case DType::kFloat8E4M3FN: return narrow_with<T, uint8_t>(values, tensor, [](float v) { return to_float8e4m3fn(v); });
    case DType::kFloat8E4M3FNUZ: return narrow_with<T, uint8_t>(values, tensor, [](float v) { return to_float8e4m3fnuz(v); });
    case DType::kFloat8E5M2: return narrow_with<T, uint8_t>(values, tensor, [](float v) { return to_float8e5m2(v); });
    case DType::kFloat8E5M2FNUZ: return narrow_with<T, uint8_t>(values, tensor, [](float v) { return to_float8e5m2fnuz(v); });
    case DType::kUInt4: case DType::kInt4: case DType::kFloat4E2M1: return narrow_nibbles(values, tensor);
    default: return;   // no Writer is made for other types: Tensor refuses strings, and operators check the rest
  }
}

template void load_elements(const Tensor&, float*);
template void load_elements(const Tensor&, double*);
template void load_elements(const Tensor&, int32_t*);
template void load_elements(const Tensor&, int64_t*);
template void store_elements(const float*, Tensor&);
template void store_elements(const double*, Tensor&);
template void store_elements(const int32_t*, Tensor&);
template void store_elements(const int64_t*, Tensor&);

Range integer_range(DType dtype) {
  switch (dtype) {
    case DType::kUInt8: return {0, 255};
    case DType::kInt8: return {-128, 127};
    case DType::kUInt16: return {0, 65535};
    case DType::kInt16: return {-32768, 32767};
    case DType::kUInt4: return {0, 15};
    case DType::kInt4: return {-8, 7};
    default: fail(ErrorCode::kUnsupported, dtype, " is not a type for quantized values");
  }
}

Range clamped_range(const Node& node, DType dtype) {
  Range range = integer_range(dtype);
  range.low = std::clamp(node.attributes.integer("clamp_min", range.low), range.low, range.high);
  range.high = std::clamp(node.attributes.integer("clamp_max", range.high), range.low, range.high);
  return range;
}

float scalar_scale(const EvaluateContext& context, size_t i) {
  require(context.has_input(i) && context.input(i).elements() == 1, ErrorCode::kShapeMismatch, "input ", i,
          " must be one scale");
  return Reader<float>(context.input(i))[0];
}

int32_t scalar_zero_point(const EvaluateContext& context, size_t i) {
  if (!context.has_input(i)) return 0;
  require(context.input(i).elements() == 1, ErrorCode::kShapeMismatch, "input ", i, " must be one zero point");
  int32_t zero_point = Reader<int32_t>(context.input(i))[0];
  require(zero_point >= -32768 && zero_point <= 65535, ErrorCode::kInvalidModel, "input ", i, " is no zero point: ", zero_point);
  return zero_point;
}

int64_t checked_integer(const Attributes& attributes, std::string_view name, int64_t fallback, int64_t low, int64_t high) {
  int64_t value = attributes.integer(name, fallback);
  require(value >= low && value <= high, ErrorCode::kInvalidModel, "attribute '", name, "' is ", value, ", outside [", low,
          ", ", high, "]");
  return value;
}

int64_t same_extent(int64_t a, int64_t b, std::string_view what) {
  require(a < 0 || b < 0 || a == b, ErrorCode::kShapeMismatch, what, " differ: ", a, " and ", b);
  return a < 0 ? b : a;
}

Shape merge_shapes(const Shape& a, const Shape& b) {
  Shape merged = a;
  for (int axis = 0; axis < a.rank(); ++axis)
    if (a[axis] != b[axis]) merged[axis] = Shape::kUnknown;
  return merged;
}

}  // namespace octet::ops
