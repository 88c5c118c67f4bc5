#include "frames/convert.h"

#include <cmath>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/half.h"

namespace octet {

namespace {

// Calls function(pointer to the elements) with their type; false for types that are no plain numbers.
template <typename Function>
bool with_elements(const Tensor& tensor, Function function) {
  switch (tensor.dtype()) {
    case DType::kFloat32: function(tensor.data<float>()); return true;
    case DType::kFloat64: function(tensor.data<double>()); return true;
    case DType::kFloat16: function(tensor.data<Float16>()); return true;
    case DType::kInt8: function(tensor.data<int8_t>()); return true;
    case DType::kUInt8: function(tensor.data<uint8_t>()); return true;
    case DType::kInt16: function(tensor.data<int16_t>()); return true;
    case DType::kUInt16: function(tensor.data<uint16_t>()); return true;
    case DType::kInt32: function(tensor.data<int32_t>()); return true;
    case DType::kUInt32: function(tensor.data<uint32_t>()); return true;
    case DType::kInt64: function(tensor.data<int64_t>()); return true;
    case DType::kUInt64: function(tensor.data<uint64_t>()); return true;
    case DType::kBool: function(tensor.data<bool>()); return true;
    default: return false;
  }
}

template <typename From>
double as_double(From value) {
  if constexpr (std::is_same_v<From, Float16>) return to_float(value);
  else return static_cast<double>(value);
}

template <typename From>
float as_float(From value) {
  if constexpr (std::is_same_v<From, Float16>) return to_float(value);
  else return static_cast<float>(value);
}

template <typename To, typename From>
bool fits(From value) {
  if constexpr (std::is_same_v<To, bool> || std::is_same_v<From, bool>) return value == From(0) || value == From(1);
  else return std::in_range<To>(value);
}

}  // namespace

Tensor convert_tensor(const Tensor& given, DType wanted, const std::string& what) {
  if (given.dtype() == wanted) return given;
  Tensor tensor = given.aligned();
  Tensor out(wanted, tensor.shape());
  int64_t count = tensor.elements();
  auto refuse = [&] {
    throw Error(ErrorCode::kShapeMismatch,
                text(what, ": values of type ", given.dtype(), " are given, ", wanted, " is wanted"),
                "convert them in the file");
  };
  bool known = with_elements(tensor, [&](const auto* from) {
    using From = std::remove_cv_t<std::remove_pointer_t<decltype(from)>>;
    if (wanted == DType::kFloat32) {
      for (int64_t i = 0; i < count; ++i) out.data<float>()[i] = as_float(from[i]);
    } else if (wanted == DType::kFloat64) {
      for (int64_t i = 0; i < count; ++i) out.data<double>()[i] = as_double(from[i]);
    } else if (wanted == DType::kFloat16) {
      for (int64_t i = 0; i < count; ++i) out.data<Float16>()[i] = to_float16(as_float(from[i]));
    } else if constexpr (!std::is_integral_v<From>) {
      refuse();
    } else {
      bool integer = with_elements(out, [&](const auto* pointer) {
        using To = std::remove_cv_t<std::remove_pointer_t<decltype(pointer)>>;
        if constexpr (std::is_integral_v<To>) {
          To* to = out.data<To>();
          for (int64_t i = 0; i < count; ++i) {
            require(fits<To>(from[i]), ErrorCode::kInvalidArgument, what, ": the value ", from[i],
                    " does not fit into ", wanted);
            to[i] = static_cast<To>(from[i]);
          }
        }
      });
      if (!integer) refuse();
    }
  });
  if (!known) refuse();
  return out;
}

int64_t count_not_finite(const Tensor& given) {
  if (!dtype_is_float(given.dtype())) return 0;
  Tensor tensor = given.aligned();
  int64_t bad = 0;
  with_elements(tensor, [&](const auto* values) {
    for (int64_t i = 0; i < tensor.elements(); ++i) bad += !std::isfinite(as_double(values[i]));
  });
  return bad;
}

}  // namespace octet
