// Functions of unary_f32 to 2^-20 of their value, at about a third of the cost and with other bits on every level: enough to tell which
// byte a result becomes wherever it does not lie next to a tie, and there the function itself decides.
#pragma once

#include "kernels/math.h"
#include "kernels/unary_f32/unary_f32.h"

namespace octet::kernels::epilogue_int8 {
namespace {

// 1 / (1 + 2^t), |t| <= 125. NaN stays.
OCTET_INLINE simd::Wide near_logistic(simd::Wide t) {
  using simd::Wide;
  // Adding 1.5 · 2^23 rounds to an integer, and leaves it in the low bits; with 127 more these are the exponent of its power of two.
  const Wide magic(0x1.8p23f + 127);
  const Wide shifted = t + magic, fraction = t - (shifted - magic);
  constexpr float c[] = {1.00000012f, 0.693146944f, 0.240221202f, 0.0555071309f, 0.00967554096f, 0.00132764725f};   // minimax, 2^-22.6
  const Wide power = simd::from_bits(simd::shift_left<23>(simd::bits(shifted)));
  return simd::near_reciprocal(simd::fma(math::polynomial(fraction, c), power, Wide(1.0f)));
}

// Whether near() knows the function; it needs an output scale of at least kLeastScale, because for t beyond 14 its error grows with t:
// the values are so small there that they matter to smaller scales only.
constexpr float kLeastScale = 0x1p-14f;
constexpr bool has_near(unary_f32::Op op) {
  return op == unary_f32::Op::kSigmoid || op == unary_f32::Op::kSilu || op == unary_f32::Op::kQuickGelu;
}

template <unary_f32::Op op>
struct Near {
  simd::Wide rate, low, high;
  OCTET_INLINE explicit Near(const unary_f32::Params& parameters) : rate(0), low(0), high(0) {
    const float alpha = op == unary_f32::Op::kQuickGelu ? parameters.alpha : 1.0f;
    // Beyond these ends the function is 0 below, and x or 1 above. An unusual alpha makes NaNs, which nothing is taken from.
    const bool usual = alpha >= 0.25f && alpha <= 4;
    const float end = 86 / (usual ? alpha : 1);
    rate = simd::Wide(usual ? -1.44269504f * alpha : __builtin_nanf("")), low = simd::Wide(-end), high = simd::Wide(end);
  }
  OCTET_INLINE simd::Wide operator()(simd::Wide x) const {
    x = simd::max(low, x);   // in this order NaN stays
    const simd::Wide logistic = near_logistic(simd::min(high, x) * rate);
    return op == unary_f32::Op::kSigmoid ? logistic : x * logistic;
  }
};

}  // namespace
}  // namespace octet::kernels::epilogue_int8
