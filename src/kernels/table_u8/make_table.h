// Fills a 256-entry table for table_u8: y = saturate(round_half_even(f((x - x_zero)·x_scale) / y_scale) + y_zero), all in double.
#pragma once

#include <cstdint>

#include "kernels/math_double.h"

namespace octet::kernels::table_u8 {

struct Affine {
  float scale = 1;
  int32_t zero = 0;
  int32_t low = 0, high = 255;   // -128..127 when signed
  bool is_signed = false;
};

// `function` maps double to double: for instance kernels::unary_f32::evaluate, or the identity for a requantization. NaN gives
// the zero point.
template <typename Function>
void make_table(const Affine& x, const Affine& y, Function function, uint8_t table[256]) {
  for (int code = 0; code < 256; ++code) {
    int32_t q = x.is_signed ? static_cast<int8_t>(code) : code;
    double v = function(static_cast<double>(q - x.zero) * x.scale) / y.scale;
    double least = y.low - y.zero, most = y.high - y.zero;
    v = v != v ? 0 : v < least ? least : v > most ? most : v;
    table[code] = static_cast<uint8_t>(static_cast<int32_t>(math64::round_half_even(v)) + y.zero);
  }
}

}  // namespace octet::kernels::table_u8
