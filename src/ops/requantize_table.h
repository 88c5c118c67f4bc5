// 256-entry tables: a unary function, or nothing at all, between two 8-bit tensors.
#pragma once

#include <array>

#include "kernels/math_double.h"
#include "ops/numeric.h"

namespace octet::ops {

// One side of the table.
struct ByteScale {
  double scale = 1;
  int32_t zero_point = 0;
  DType dtype = DType::kUInt8;
};

// table[byte of x] = byte of sat(rhe(function((x − zx) · sx) / sy) + zy), computed in double; NaN gives the zero point.
template <typename Function>
std::array<uint8_t, 256> byte_table(const ByteScale& x, const ByteScale& y, Range range, Function function) {
  std::array<uint8_t, 256> table;
  for (int byte = 0; byte < 256; ++byte) {
    int32_t value = x.dtype == DType::kInt8 ? static_cast<int8_t>(byte) : byte;
    double result = function(static_cast<double>(value - x.zero_point) * x.scale) / y.scale;
    double low = static_cast<double>(range.low - y.zero_point), high = static_cast<double>(range.high - y.zero_point);
    if (result != result) result = 0;
    result = result < low ? low : result > high ? high : result;
    table[static_cast<size_t>(byte)] = static_cast<uint8_t>(static_cast<int32_t>(kernels::math64::round_half_even(result)) + y.zero_point);
  }
  return table;
}

// The values as they are, in another scale. Between equal scales and zero points the bytes stay.
inline std::array<uint8_t, 256> requantize_table(const ByteScale& x, const ByteScale& y) {
  return byte_table(x, y, integer_range(y.dtype), [](double value) { return value; });
}

inline ByteScale byte_scale(const EvaluateContext& context, size_t scale, size_t zero_point, DType dtype) {
  require(dtype == DType::kUInt8 || dtype == DType::kInt8, ErrorCode::kUnsupported, "8-bit values are needed, not ", dtype);
  return {static_cast<double>(scalar_scale(context, scale)), scalar_zero_point(context, zero_point), dtype};
}

}  // namespace octet::ops
