// 256-entry tables: a unary function, or nothing at all, between two 8-bit tensors.
#pragma once

#include <array>

#include "kernels/math_double.h"
#include "ops/numeric.h"

namespace octet::ops {

// One side of the table.
struct ByteScale {
  float scale = 1;
  int32_t zero_point = 0;
  DType dtype = DType::kUInt8;
  friend bool operator==(const ByteScale&, const ByteScale&) = default;
};

// table[byte of q] = byte of sat(rhe(fl(fl(function(x)) / sy)) + zy) with x = fl(float(q − zx) · sx), as DequantizeLinear, the function
// in double and QuantizeLinear would compute it; NaN gives the zero point.
template <typename Function>
std::array<uint8_t, 256> byte_table(const ByteScale& x, const ByteScale& y, Range range, Function function) {
  std::array<uint8_t, 256> table;
  for (int byte = 0; byte < 256; ++byte) {
    int32_t value = x.dtype == DType::kInt8 ? static_cast<int8_t>(byte) : byte;
    float result = static_cast<float>(function(static_cast<double>(static_cast<float>(value - x.zero_point) * x.scale)));
    table[static_cast<size_t>(byte)] = static_cast<uint8_t>(requantize(result / y.scale, range, y.zero_point));
  }
  return table;
}

// The values as they are, in another scale.
inline std::array<uint8_t, 256> requantize_table(const ByteScale& x, const ByteScale& y) {
  return byte_table(x, y, integer_range(y.dtype), [](double value) { return value; });
}

inline ByteScale byte_scale(const EvaluateContext& context, size_t scale, size_t zero_point, DType dtype) {
  require(dtype == DType::kUInt8 || dtype == DType::kInt8, ErrorCode::kUnsupported, "8-bit values are needed, not ", dtype);
  return {scalar_scale(context, scale), scalar_zero_point(context, zero_point), dtype};
}

}  // namespace octet::ops
