// QuantizeLinear of sixteen values: the byte of clamp(x / scale) rounded half to even, + zero point; NaN gives the zero point.
//
// The quotient is the correctly rounded one that a division gives, without dividing (a third of its time). With r = fl(1 / s) and
// e = fl(fl(1 − r·s) · r), q = fma(x, r, fl(x·e)) lies within one unit in the last place of x / s; then fma(x − q·s, r, q), whose
// difference is exact, is x / s rounded to nearest (P. Markstein, Computation of elementary functions on the IBM RISC System/6000
// processor, 1990, theorem 7.1). Nothing overflows because x is clamped first to the products of s and the ends of the range, whose
// quotients round to those ends; what underflows rounds to 0. Scales near the ends of the float range are divided by.
#pragma once

#include "kernels/round_wide.h"

namespace octet::kernels {
namespace {

struct Quantizer {
  simd::Wide scale, minus_scale, inverse, rest, least, most;
  simd::Wide::Int zero;
  Requantizer slow;
  bool quick;

  OCTET_INLINE Quantizer(float s, int32_t zero_point, int32_t low, int32_t high)
      : scale(s), minus_scale(-s), inverse(1.0f / s), rest(0.0f), least(static_cast<float>(low - zero_point) * s), most(static_cast<float>(high - zero_point) * s),
        zero(zero_point), slow(zero_point, low, high), quick(s >= 0x1p-60f && s <= 0x1p60f) {
    rest = simd::fma(inverse, minus_scale, simd::Wide(1.0f)) * inverse;
  }
  OCTET_INLINE simd::Wide::Int operator()(simd::Wide x) const {
    if (!quick) return slow(x / scale);
    x = simd::select(x == x, x, simd::Wide(0.0f));
    return rounded(simd::max(least, x));
  }
  // For x between `least` and infinity, where `quick`.
  OCTET_INLINE simd::Wide::Int rounded(simd::Wide x) const {
    x = simd::min(most, x);
    const simd::Wide q = simd::fma(x, inverse, x * rest);
    return simd::to_int(simd::fma(simd::fma(q, minus_scale, x), inverse, q)) + zero;
  }
};

}  // namespace
}  // namespace octet::kernels
