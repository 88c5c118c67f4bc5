// Elementary functions in float, ours: the same bits for one value (simd::Scalar) and for sixteen (simd::Wide), on every
// processor and compiler. At most 2 units in the last place from the true value (sigmoid 2.2; math_test.cc measures it),
// denormals and signed zeros kept, NaN in, NaN out.
//
// The polynomials are minimax fits made for these intervals, coefficients rounded to float.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/simd.h"

namespace octet::kernels::math {
namespace {

using simd::abs, simd::fma, simd::max, simd::min, simd::select;   // NOLINT: overloads for Scalar and Wide

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// c[0] + x·(c[1] + x·(...)), one fma each.
template <typename V, int n>
OCTET_INLINE V polynomial(V x, const float (&c)[n]) {
  V r(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) r = fma(r, x, V(c[i]));
  return r;
}

// 2^n for -126 <= n <= 127.
template <typename V>
OCTET_INLINE V power_of_two(typename V::Int n) {
  return from_bits(simd::shift_left<23>(n + typename V::Int(127)));
}

// x = n·ln2 + r with |r| <= ln2/2; returns e^r - 1 and n. x must be clamped to where n·ln2 fits.
template <typename V>
struct Reduced { V fraction; V n; };
template <typename V>
OCTET_INLINE Reduced<V> reduce_exp(V x) {
  V n = round(x * V(1.44269504f));
  V r = fma(n, V(-0x1.62e43p-1f), x);
  r = fma(n, V(0x1.05c61p-29f), r);
  constexpr float c[] = {4.999999404e-01f, 1.666651666e-01f, 4.166810587e-02f, 8.369140327e-03f, 1.383671304e-03f};
  return {fma(r * r, polynomial(r, c), r), n};
}

// e^x. Below -104 zero, above 88.73 infinity.
template <typename V>
OCTET_INLINE V exp(V x) {
  x = min(V(89.0f), max(V(-104.0f), x));   // in this order NaN stays
  Reduced<V> t = reduce_exp(x);
  return times_power_of_two(t.fraction + V(1.0f), t.n);
}

// The same for x <= 0 (or NaN).
template <typename V>
OCTET_INLINE V exp_not_positive(V x) {
  Reduced<V> t = reduce_exp(max(V(-104.0f), x));
  return times_power_of_two(t.fraction + V(1.0f), t.n);
}

// e^x - 1 without cancellation for small x.
template <typename V>
OCTET_INLINE V exp_minus_one(V x) {
  V clamped = min(V(88.0f), max(V(-30.0f), x));
  Reduced<V> t = reduce_exp(clamped);
  V scale = power_of_two<V>(to_int(t.n));
  V y = fma(scale, t.fraction, scale - V(1.0f));
  y = select(V(88.0f) < x, exp(x), y);
  return select(x == V(0.0f), x, y);
}

// 1 / (1 + e^-x).
template <typename V>
OCTET_INLINE V sigmoid(V x) {
  V e = exp(negate(abs(x)));
  return select(x < V(0.0f), e, V(1.0f)) / (e + V(1.0f));
}

// x / (1 + e^-t): SiLU with t = x, to 0.9 units. Networks apply it up to a hundred times in a row, and
// sigmoid's two units were a third of the error that YOLOX-Nano ended with: what e^-|t|, 1 + e^-|t| and the quotient lose to
// rounding is carried along and put right at the end.
template <typename V>
OCTET_INLINE V times_sigmoid(V x, V t) {
  const auto negative = t < V(0.0f);
  const Reduced<V> exponent = reduce_exp(max(V(-174.0f), negate(abs(t))));   // in this order NaN stays
  const V mantissa = exponent.fraction + V(1.0f), mantissa_rest = exponent.fraction - (mantissa - V(1.0f));
  const V power = times_power_of_two(V(1.0f), exponent.n);
  const V below = fma(mantissa, power, V(1.0f)), below_rest = fma(mantissa_rest, power, fma(mantissa, power, V(1.0f) - below));
  const V inverse = V(1.0f) / below;
  // sigmoid(t) = above / below, for negative t times a power of two that waits for the end: denormals lose no digits on the way.
  const V above = select(negative, mantissa, V(1.0f)), above_rest = select(negative, mantissa_rest, V(0.0f));
  const V minus_quotient = negate(above) * inverse;
  const V rest = fma(minus_quotient, below, above) + fma(minus_quotient, below_rest, above_rest);
  const V bounded = max(V(-1e30f), x);   // times e^-174 it is 0
  const V y = fma(bounded, negate(minus_quotient), bounded * inverse * rest);
  return select(V(20.0f) < t, x, times_power_of_two(y, select(negative, exponent.n, V(0.0f))));
}

template <typename V>
OCTET_INLINE V tanh(V x) {
  V a = abs(x), s = x * x;
  constexpr float c[] = {-3.333328366e-01f, 1.333148330e-01f, -5.374277383e-02f, 2.064806223e-02f, -5.714063533e-03f};
  V small = fma(x * s, polynomial(s, c), x);
  V large = V(1.0f) - V(2.0f) / (exp(a + a) + V(1.0f));
  return copy_sign(select(a < V(0.625f), small, large), x);   // the polynomial loses the sign of -0
}

template <typename V>
OCTET_INLINE V erf(V x) {
  V a = abs(x), s = x * x;
  constexpr float near[] = {1.283791512e-01f, -3.761249185e-01f, 1.128176749e-01f, -2.676435560e-02f, 4.989431705e-03f, -5.970269558e-04f};
  V small = fma(x, polynomial(s, near), x);
  // erf(a) = 1 - e^-(a + a·p(a)); beyond 4 the result is 1.
  V t = min(V(4.0f), a);
  constexpr float far[] = {1.286529005e-01f, 6.351334453e-01f, 1.062663719e-01f, -2.378741652e-02f, 3.654419212e-03f, -3.257374046e-04f, 1.152352525e-05f};
  V large = V(1.0f) - exp(negate(fma(t, polynomial(t, far), t)));
  return select(a < V(0.9277f), small, copy_sign(large, x));
}

// Natural logarithm: -infinity at 0, NaN below.
template <typename V>
OCTET_INLINE V log(V x) {
  using Int = typename V::Int;
  auto tiny = x < V(0x1p-126f);
  V scaled = select(tiny, x * V(0x1p23f), x);
  // scaled = m·2^e with m in [2/3, 4/3)
  Int shifted = bits(scaled) - Int(0x3f2aaaab);
  Int e = simd::shift_right<23>(shifted);
  V f = from_bits(bits(scaled) - simd::shift_left<23>(e)) - V(1.0f);
  V exponent = to_float(e) - select(tiny, V(23.0f), V(0.0f));
  constexpr float c[] = {3.333321512e-01f, -2.499979734e-01f, 2.001040578e-01f, -1.668048650e-01f,
                         1.400586963e-01f, -1.218426228e-01f, 1.398443729e-01f, -1.289167851e-01f};
  V s = f * f;
  V tail = fma(s * f, polynomial(f, c), s * V(-0.5f));
  tail = fma(exponent, V(-0x1.05c61p-29f), tail);
  V y = fma(exponent, V(0x1.62e43p-1f), f + tail);
  y = select(x == V(kInfinity), x, y);
  y = select(x == V(0.0f), V(-kInfinity), y);
  return select(V(0.0f) <= x, y, V(kNan));
}

// log(1 + x) for x > -1, exact about small x.
template <typename V>
OCTET_INLINE V log_one_plus(V x) {
  V w = x + V(1.0f);
  V lost = x - (w - V(1.0f));   // what the sum rounded away
  V y = log(w) + lost / w;
  return select(x == V(kInfinity), x, select(w == V(1.0f), x, y));
}

}  // namespace
}  // namespace octet::kernels::math
