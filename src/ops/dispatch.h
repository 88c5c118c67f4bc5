// From the element type that a tensor has at run time to a C++ type, and back.
//
//   dispatch(x.dtype(), NumericTypes(), [&]<typename T>() { ... typed<T>(x) ... widen(...) ... narrow<T>(...) ... });
//
// 16-bit floats compute in float: widen() makes one, narrow<T>() rounds back. Booleans are bytes of any value in memory.
#pragma once

#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/half.h"
#include "base/thread_pool.h"
#include "octet/tensor.h"

namespace octet::ops {

struct Boolean { uint8_t byte; };
template <DType format>
struct Float8 { uint8_t code; };
using Float8E4M3FN = Float8<DType::kFloat8E4M3FN>;
using Float8E4M3FNUZ = Float8<DType::kFloat8E4M3FNUZ>;
using Float8E5M2 = Float8<DType::kFloat8E5M2>;
using Float8E5M2FNUZ = Float8<DType::kFloat8E5M2FNUZ>;

template <typename T> struct ElementType : DTypeOf<T> {};
template <> struct ElementType<Boolean> { static constexpr DType value = DType::kBool; };
template <DType format> struct ElementType<Float8<format>> { static constexpr DType value = format; };

template <typename... Ts> struct Types {};
template <typename A, typename B> struct JoinTypes;
template <typename... As, typename... Bs> struct JoinTypes<Types<As...>, Types<Bs...>> { using type = Types<As..., Bs...>; };

using FloatTypes = Types<float, double, Float16, BFloat16>;
using Float8Types = Types<Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ>;
using SignedTypes = Types<int8_t, int16_t, int32_t, int64_t>;
using UnsignedTypes = Types<uint8_t, uint16_t, uint32_t, uint64_t>;
using IntegerTypes = JoinTypes<SignedTypes, UnsignedTypes>::type;
using SignedNumericTypes = JoinTypes<FloatTypes, SignedTypes>::type;
using NumericTypes = JoinTypes<FloatTypes, IntegerTypes>::type;
using NumericAndBoolTypes = JoinTypes<NumericTypes, Types<Boolean>>::type;

template <typename T>
constexpr bool kIsHalf = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

constexpr bool widen(Boolean value) { return value.byte != 0; }
constexpr float widen(Float16 value) { return to_float(value); }
constexpr float widen(BFloat16 value) { return to_float(value); }
constexpr float widen(Float8E4M3FN value) { return from_float8e4m3fn(value.code); }
constexpr float widen(Float8E4M3FNUZ value) { return from_float8e4m3fnuz(value.code); }
constexpr float widen(Float8E5M2 value) { return from_float8e5m2(value.code); }
constexpr float widen(Float8E5M2FNUZ value) { return from_float8e5m2fnuz(value.code); }
template <typename T>
  requires std::is_arithmetic_v<T>
constexpr T widen(T value) { return value; }

// To a float8, with the choice of what happens beyond the largest value.
template <typename T>
constexpr T narrow_float8(float value, bool saturate) {
  if constexpr (std::is_same_v<T, Float8E4M3FN>) return {to_float8e4m3fn(value, saturate)};
  else if constexpr (std::is_same_v<T, Float8E4M3FNUZ>) return {to_float8e4m3fnuz(value, saturate)};
  else if constexpr (std::is_same_v<T, Float8E5M2>) return {to_float8e5m2(value, saturate)};
  else return {to_float8e5m2fnuz(value, saturate)};
}

// The type that T computes in.
template <typename T>
using Wide = decltype(widen(T()));
template <typename T>
constexpr bool kIsFloating = std::is_floating_point_v<Wide<T>>;

// `value` must fit T when T is an integer.
template <typename T, typename Value>
constexpr T narrow(Value value) {
  if constexpr (std::is_same_v<T, Float16>) return to_float16(static_cast<float>(value));
  else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(static_cast<float>(value));
  else if constexpr (std::is_same_v<T, Boolean>) return Boolean{static_cast<uint8_t>(value != 0)};
  else return static_cast<T>(value);
}

// Calls function.operator()<T>() for the T of `dtype`; Error when the list does not have it.
template <typename... Ts, typename Function>
void dispatch(DType dtype, Types<Ts...>, Function&& function) {
  bool found = ((dtype == ElementType<Ts>::value && (function.template operator()<Ts>(), true)) || ...);
  require(found, ErrorCode::kUnsupported, "elements of type ", dtype, " are not supported here");
}

// By size alone, for code that moves elements without looking at them: T is an unsigned integer of 1, 2, 4 or 8 bytes.
template <typename Function>
void dispatch_size(DType dtype, Function&& function) {
  switch (dtype_bits(dtype)) {
    case 8: return function.template operator()<uint8_t>();
    case 16: return function.template operator()<uint16_t>();
    case 32: return function.template operator()<uint32_t>();
    case 64: return function.template operator()<uint64_t>();
    default: fail(ErrorCode::kUnsupported, "elements of type ", dtype, " are not supported here");
  }
}

// The elements of a tensor that must be of T's type.
template <typename T>
const T* typed(const Tensor& tensor) {
  require(tensor.dtype() == ElementType<T>::value, ErrorCode::kShapeMismatch, "a tensor of type ", tensor.dtype(),
          " stands where ", ElementType<T>::value, " is expected");
  return static_cast<const T*>(tensor.raw());
}
template <typename T>
T* typed(Tensor& tensor) {
  return const_cast<T*>(typed<T>(static_cast<const Tensor&>(tensor)));
}

// A tensor of any integer type as a list.
inline std::vector<int64_t> integers_of(const Tensor& tensor) {
  std::vector<int64_t> list(static_cast<size_t>(tensor.elements()));
  dispatch(tensor.dtype(), IntegerTypes(), [&]<typename T>() {
    const T* values = typed<T>(tensor);
    for (size_t i = 0; i < list.size(); ++i) list[i] = static_cast<int64_t>(values[i]);
  });
  return list;
}

// The only element of a tensor of any integer type.
inline int64_t integer_of(const Tensor& tensor) {
  require(tensor.elements() == 1, ErrorCode::kShapeMismatch, "one integer is expected, not a tensor of shape ", tensor.shape());
  return integers_of(tensor)[0];
}

// The only element of a numeric tensor, as double.
inline double real_of(const Tensor& tensor) {
  require(tensor.elements() == 1, ErrorCode::kShapeMismatch, "one number is expected, not a tensor of shape ", tensor.shape());
  double value = 0;
  dispatch(tensor.dtype(), NumericTypes(), [&]<typename T>() { value = static_cast<double>(widen(typed<T>(tensor)[0])); });
  return value;
}

// body(begin, end) over [0, count): in parallel when there is a pool and enough work. `work_each` is roughly the number of
// elements that one item touches. The body must not throw.
template <typename Body>
void parallel_ranges(ThreadPool* pool, int64_t count, int64_t work_each, Body&& body) {
  constexpr int64_t kWorth = 1 << 14;
  int64_t grain = work_each >= kWorth ? 1 : kWorth / (work_each < 1 ? 1 : work_each);
  if (count <= 0) return;
  if (pool == nullptr || count <= grain) return body(int64_t{0}, count);
  pool->parallel_for(count, grain, [&](int64_t begin, int64_t end, int) { body(begin, end); });
}

}  // namespace octet::ops
