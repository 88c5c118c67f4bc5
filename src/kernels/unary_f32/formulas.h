// The formulas of unary_f32, for one value and for sixteen.
#pragma once

#include <utility>

#include "kernels/math.h"
#include "kernels/unary_f32/unary_f32.h"

namespace octet::kernels::unary_f32 {
namespace {

template <typename V>
OCTET_INLINE V clip(V x, V low, V high) {
  return simd::select(x < low, low, simd::select(high < x, high, x));
}

// The same for bounds in order; NaN stays here, too.
template <typename V>
OCTET_INLINE V between(V x, V low, V high) {
  return simd::min(high, simd::max(low, x));
}

template <Op op, typename V>
OCTET_INLINE V apply(V x, const Params& params) {
  using simd::fma, simd::select;   // NOLINT
  const V zero(0.0f), one(1.0f), half(0.5f), alpha(params.alpha), beta(params.beta);
  if constexpr (op == Op::kRelu) return select(x < zero, zero, x);
  if constexpr (op == Op::kClip) return clip(x, alpha, beta);
  if constexpr (op == Op::kLeakyRelu) return select(x < zero, alpha * x, x);
  if constexpr (op == Op::kThresholdedRelu) return select(x <= alpha, zero, x);
  if constexpr (op == Op::kSigmoid) return math::sigmoid(x);
  if constexpr (op == Op::kTanh) return math::tanh(x);
  if constexpr (op == Op::kErf) return math::erf(x);
  if constexpr (op == Op::kExp) return math::exp(x);
  if constexpr (op == Op::kLog) return math::log(x);
  if constexpr (op == Op::kSqrt) return simd::sqrt(x);
  if constexpr (op == Op::kReciprocal) return one / x;
  if constexpr (op == Op::kSquare) return x * x;
  if constexpr (op == Op::kAbs) return simd::abs(x);
  if constexpr (op == Op::kNegate) return simd::negate(x);
  if constexpr (op == Op::kFloor) return simd::floor(x);
  if constexpr (op == Op::kCeil) return simd::ceil(x);
  if constexpr (op == Op::kRound) return simd::round(x);
  if constexpr (op == Op::kSign) return select(x < zero, V(-1.0f), select(zero < x, one, x));
  if constexpr (op == Op::kHardSigmoid) return between(fma(alpha, x, beta), zero, one);
  if constexpr (op == Op::kHardSwish) return x * between(fma(x, V(1.0f / 6.0f), half), zero, one);
  if constexpr (op == Op::kSilu) return math::times_sigmoid(x, x);
  if constexpr (op == Op::kGelu) return x * half * (one + math::erf(x * V(0.707106781f)));
  if constexpr (op == Op::kGeluTanh) {
    V inner = V(0.797884561f) * fma(x * x * x, V(0.044715f), x);
    return x * half * (one + math::tanh(inner));
  }
  if constexpr (op == Op::kQuickGelu) return math::times_sigmoid(x, alpha * x);
  if constexpr (op == Op::kSoftplus) return select(x < zero, zero, x) + math::log_one_plus(math::exp(simd::negate(simd::abs(x))));
  if constexpr (op == Op::kSoftsign) return x / (one + simd::abs(x));
  if constexpr (op == Op::kElu) return select(x < zero, alpha * math::exp_minus_one(x), x);
  if constexpr (op == Op::kCelu) return select(x < zero, alpha * math::exp_minus_one(x / alpha), x);
  if constexpr (op == Op::kSelu) return beta * select(x < zero, alpha * math::exp_minus_one(x), x);
  if constexpr (op == Op::kMish) {
    // tanh(log(1 + n)) = n·(n+2) / (n·(n+2) + 2) with n = e^x; beyond 20 it is 1.
    V n = math::exp(simd::min(V(20.0f), x)), m = n * (n + V(2.0f));
    return x * select(V(20.0f) < x, one, m / (m + V(2.0f)));
  }
}

// Calls body with the operation as a constant.
template <typename Body, int... i>
OCTET_INLINE void with_op_of(Op op, Body body, std::integer_sequence<int, i...>) {
  (void)((op == static_cast<Op>(i) ? (body(std::integral_constant<Op, static_cast<Op>(i)>()), true) : false) || ...);
}
template <typename Body>
OCTET_INLINE void with_op(Op op, Body body) {
  with_op_of(op, body, std::make_integer_sequence<int, kOps>());
}


}  // namespace
}  // namespace octet::kernels::unary_f32
