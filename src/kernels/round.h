// The last step of every integer operator, one value at a time: clamp, round half to even, add the zero point.
#pragma once

#include <cstdint>

namespace octet::kernels {
namespace {

inline int32_t byte_value(uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<int32_t>(static_cast<int8_t>(byte)) : static_cast<int32_t>(byte);
}

// Half to even; |x| < 2^22.
inline int32_t round_half_even(float x) {
  constexpr float kMagic = 12582912.0f;   // 1.5·2^23: the sum keeps no fraction
  return static_cast<int32_t>((x + kMagic) - kMagic);
}

// The byte of clamp(v, low - zero, high - zero) rounded, + zero; NaN gives the zero point.
inline uint8_t requantize(float v, int32_t zero, int32_t low, int32_t high) {
  if (v != v) v = 0;
  float least = static_cast<float>(low - zero), most = static_cast<float>(high - zero);
  v = v < least ? least : v > most ? most : v;
  return static_cast<uint8_t>(round_half_even(v) + zero);
}

}  // namespace
}  // namespace octet::kernels
