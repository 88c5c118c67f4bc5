// 256-entry tables for functions between two 8-bit tensors (docs/arithmetic.md).
//
//   table[bits of q] = saturate(round_half_even(float(f(x)) / scale_y) + zero_point_y),  x = float(q − zero_point_x) · scale_x
//
// f in double, the rest in float, as DequantizeLinear and QuantizeLinear are defined.
#pragma once

#include <functional>

#include "graph/operator.h"

namespace octet {

// Per-tensor parameters of an 8-bit type.
struct QuantizedParameters {
  DType dtype = DType::kUInt8;   // kUInt8 or kInt8
  float scale = 1;
  int zero_point = 0;
  double lowest = 0, highest = 255;
  friend bool operator==(const QuantizedParameters&, const QuantizedParameters&) = default;
};

// False when the value is not 8-bit or has more than one scale.
bool read_parameters(const QuantizedValue& quantized, QuantizedParameters& out);

// saturate(round_half_even(x / scale) + zero_point); infinities saturate, NaN gives the zero point.
double quantize_value(double x, const QuantizedParameters& parameters);

Tensor make_table(const QuantizedParameters& from, const QuantizedParameters& to, const std::function<double(double)>& function);

}  // namespace octet
