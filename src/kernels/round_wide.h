// kernels/round.h for sixteen values.
#pragma once

#include "kernels/simd.h"

namespace octet::kernels {
namespace {

// Bytes as int32 lanes, signed ones read through their unsigned neighbours: (x xor 128) - 128.
struct ByteReader {
  simd::Wide::Int flip, offset;
  // Lanes become value - zero.
  OCTET_INLINE ByteReader(bool is_signed, int32_t zero) : flip(is_signed ? 128 : 0), offset((is_signed ? 128 : 0) + zero) {}
  OCTET_INLINE simd::Wide::Int operator()(simd::Wide::Int bytes) const { return (bytes ^ flip) - offset; }
};

// Clamp, round half to even, add the zero point; NaN gives the zero point.
struct Requantizer {
  simd::Wide least, most;
  simd::Wide::Int zero;
  OCTET_INLINE Requantizer(int32_t zero_point, int32_t low, int32_t high)
      : least(static_cast<float>(low - zero_point)), most(static_cast<float>(high - zero_point)), zero(zero_point) {}
  OCTET_INLINE simd::Wide::Int operator()(simd::Wide v) const {
    v = simd::select(v == v, v, simd::Wide(0.0f));
    return simd::to_int(simd::min(most, simd::max(least, v))) + zero;
  }
};

// rhe(clamp(fl(v / scale), low, high)) without a division for almost every v: within the range the product with the reciprocal is
// less than 2^-12 away from the quotient, so only where it lies so near a tie must the quotient itself decide. NaN gives 0.
struct QuotientRequantizer {
  static constexpr float kMargin = 0x1p-12f;
  simd::Wide scale, reciprocal, least, most;
  // low and high: at most 2^9 in magnitude.
  OCTET_INLINE QuotientRequantizer(float divisor, float low, float high)
      : scale(divisor), reciprocal(divisor >= 0x1p-60f && divisor <= 0x1p60f ? 1.0f / divisor : __builtin_nanf("")), least(low), most(high) {}
  OCTET_INLINE simd::Wide near(simd::Wide v) const { return simd::min(most, simd::max(least, v * reciprocal)); }   // NaN stays
  // Rounds near(v); false, and q means nothing, where that lies within `margin` of a tie or is NaN.
  OCTET_INLINE bool away_from_ties(simd::Wide v, float margin, simd::Wide::Int& q) const {
    const simd::Wide near = this->near(v), rounded = simd::round(near);
    q = simd::to_int(rounded);
    return simd::all(simd::abs(near - rounded) <= simd::Wide(0.5f - margin));
  }
  OCTET_INLINE simd::Wide::Int operator()(simd::Wide v) const {
    simd::Wide::Int q;
    if (away_from_ties(v, kMargin, q)) [[likely]] return q;
    const simd::Wide exact = v / scale;
    return simd::to_int(simd::min(most, simd::max(least, simd::select(exact == exact, exact, simd::Wide(0.0f)))));
  }
};

}  // namespace
}  // namespace octet::kernels
