// Conversions between float and the small float formats, one value at a time; arrays go through kernels/convert.
//
// Everything rounds to nearest, ties to even, keeps denormals and signed zeros where the format has them, and turns NaN into
// the format's quiet NaN. Widening is exact. Integer arithmetic only: the same bits everywhere.
//
//   format           sign/exponent/mantissa  bias  largest   infinity  NaN
//   float16          1/5/10                  15    65504     yes       yes
//   bfloat16         1/8/7                   127   3.39e38   yes       yes
//   float8 E4M3FN    1/4/3                   7     448       no        0x7f, 0xff
//   float8 E4M3FNUZ  1/4/3                   8     240       no        0x80 (there is no negative zero)
//   float8 E5M2      1/5/2                   15    57344     yes       0x7d..0x7f, 0xfd..0xff
//   float8 E5M2FNUZ  1/5/2                   16    57344     no        0x80 (there is no negative zero)
//   float4 E2M1      1/2/1                   1     6         no        no (NaN becomes the largest value)
// What lies beyond the largest value becomes the largest value when `saturate` is set (infinity too), otherwise infinity, or
// NaN where the format has no infinity; float16 and bfloat16 never saturate.
#pragma once

#include <bit>
#include <cstdint>

#include "octet/tensor.h"

namespace octet {

namespace half_detail {

// The exponent and mantissa of a small float with `mantissa_bits` and `bias` nearest to the finite float whose magnitude has
// the bits `magnitude`; the exponent is not limited, so that the caller sees an overflow as a code that is too large.
template <int mantissa_bits, int bias>
constexpr uint32_t round_magnitude(uint32_t magnitude) {
  constexpr int shift = 23 - mantissa_bits;
  constexpr uint32_t smallest_normal = static_cast<uint32_t>(127 + 1 - bias) << 23;
  if (magnitude >= smallest_normal) {
    uint32_t code = magnitude - (static_cast<uint32_t>(127 - bias) << 23);
    return (code + ((1u << (shift - 1)) - 1) + ((code >> shift) & 1)) >> shift;
  }
  // Denormal in the small format: shift the mantissa with its leading one into place.
  int drop = shift + 1 + (127 - bias) - static_cast<int>(magnitude >> 23);
  if (drop > 24) return 0;
  uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  return (mantissa + ((1u << (drop - 1)) - 1) + ((mantissa >> drop) & 1)) >> drop;
}

// The value of exponent and mantissa of a small float, without special codes.
template <int mantissa_bits, int bias>
constexpr float widen_magnitude(uint32_t code) {
  constexpr int shift = 23 - mantissa_bits;
  if (code >> mantissa_bits) return std::bit_cast<float>((code << shift) + (static_cast<uint32_t>(127 - bias) << 23));
  constexpr float unit = std::bit_cast<float>(static_cast<uint32_t>(127 + 1 - bias - mantissa_bits) << 23);
  return static_cast<float>(code) * unit;
}

constexpr float with_sign(float magnitude, uint32_t sign_bit31) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign_bit31);
}

constexpr uint32_t kFloatInfinity = 0x7f800000, kFloatNan = 0x7fc00000;

// Formats of 8 bits. kZeroNan: 0x80 is the only NaN and there is no negative zero.
template <int mantissa_bits, int bias, uint32_t largest, uint32_t overflow, uint32_t nan, bool zero_nan>
constexpr uint8_t narrow8(float value, bool saturate) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff, sign = (bits >> 24) & 0x80;
  if (magnitude > kFloatInfinity) return static_cast<uint8_t>(zero_nan ? 0x80 : nan | sign);
  uint32_t code = magnitude == kFloatInfinity ? largest + 1 : round_magnitude<mantissa_bits, bias>(magnitude);
  if (code > largest) {
    if (saturate) return static_cast<uint8_t>(largest | sign);
    return static_cast<uint8_t>(zero_nan ? 0x80 : overflow | sign);
  }
  if (zero_nan && code == 0) return 0;
  return static_cast<uint8_t>(code | sign);
}

}  // namespace half_detail

constexpr float to_float(Float16 value) {
  uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16, code = value.bits & 0x7fff;
  if (code >= 0x7c00)
    return std::bit_cast<float>(sign | half_detail::kFloatInfinity | ((code & 0x3ff) << 13) | (code > 0x7c00 ? 0x400000u : 0u));
  return half_detail::with_sign(half_detail::widen_magnitude<10, 15>(code), sign);
}

constexpr float to_float(BFloat16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

constexpr Float16 to_float16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff, sign = (bits >> 16) & 0x8000;
  if (magnitude > half_detail::kFloatInfinity)   // the mantissa's upper bits survive, made quiet, as processors do
    return {static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff))};
  uint32_t code = magnitude >= 0x47800000 ? 0x7c00 : half_detail::round_magnitude<10, 15>(magnitude);
  return {static_cast<uint16_t>(sign | (code > 0x7c00 ? 0x7c00 : code))};
}

constexpr BFloat16 to_bfloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > half_detail::kFloatInfinity) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

constexpr uint8_t to_float8e4m3fn(float value, bool saturate = true) {
  return half_detail::narrow8<3, 7, 0x7e, 0x7f, 0x7f, false>(value, saturate);
}
constexpr uint8_t to_float8e4m3fnuz(float value, bool saturate = true) {
  return half_detail::narrow8<3, 8, 0x7f, 0x80, 0x80, true>(value, saturate);
}
constexpr uint8_t to_float8e5m2(float value, bool saturate = true) {
  return half_detail::narrow8<2, 15, 0x7b, 0x7c, 0x7f, false>(value, saturate);
}
constexpr uint8_t to_float8e5m2fnuz(float value, bool saturate = true) {
  return half_detail::narrow8<2, 16, 0x7f, 0x80, 0x80, true>(value, saturate);
}
// The low four bits hold the value; always saturates.
constexpr uint8_t to_float4e2m1(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff, sign = (bits >> 28) & 8;
  uint32_t code = magnitude >= half_detail::kFloatInfinity ? 7 : half_detail::round_magnitude<1, 1>(magnitude);
  return static_cast<uint8_t>(sign | (code > 7 ? 7 : code));
}

constexpr float from_float8e4m3fn(uint8_t value) {
  uint32_t sign = static_cast<uint32_t>(value & 0x80) << 24, code = value & 0x7f;
  if (code == 0x7f) return std::bit_cast<float>(sign | half_detail::kFloatNan);
  return half_detail::with_sign(half_detail::widen_magnitude<3, 7>(code), sign);
}
constexpr float from_float8e4m3fnuz(uint8_t value) {
  if (value == 0x80) return std::bit_cast<float>(half_detail::kFloatNan);
  return half_detail::with_sign(half_detail::widen_magnitude<3, 8>(value & 0x7f), static_cast<uint32_t>(value & 0x80) << 24);
}
constexpr float from_float8e5m2(uint8_t value) {
  uint32_t sign = static_cast<uint32_t>(value & 0x80) << 24, code = value & 0x7f;
  if (code >= 0x7c) return std::bit_cast<float>(sign | (code == 0x7c ? half_detail::kFloatInfinity : half_detail::kFloatNan));
  return half_detail::with_sign(half_detail::widen_magnitude<2, 15>(code), sign);
}
constexpr float from_float8e5m2fnuz(uint8_t value) {
  if (value == 0x80) return std::bit_cast<float>(half_detail::kFloatNan);
  return half_detail::with_sign(half_detail::widen_magnitude<2, 16>(value & 0x7f), static_cast<uint32_t>(value & 0x80) << 24);
}
constexpr float from_float4e2m1(uint8_t value) {
  return half_detail::with_sign(half_detail::widen_magnitude<1, 1>(value & 7u), static_cast<uint32_t>(value & 8) << 28);
}

}  // namespace octet
