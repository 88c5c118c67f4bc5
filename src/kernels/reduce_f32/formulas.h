// How each reduction starts, takes an element, joins two partial results and ends; for one value and for sixteen.
#pragma once

#include "kernels/math.h"
#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::kernels::reduce_f32 {
namespace {

constexpr float start_of(Op op) {
  return op == Op::kProduct ? 1.0f : op == Op::kMax ? -math::kInfinity : op == Op::kMin ? math::kInfinity : 0.0f;
}

// NaN on either side stays.
template <typename V>
OCTET_INLINE V max_or_nan(V a, V b) {
  return simd::select(a == a, simd::select(b < a, a, b), a);
}
template <typename V>
OCTET_INLINE V min_or_nan(V a, V b) {
  return simd::select(a == a, simd::select(a < b, a, b), a);
}

// kLogSumExp is put together from kMax and kSum over exp(x - m).
template <Op op, typename V>
OCTET_INLINE V take(V state, V x) {
  if constexpr (op == Op::kSum || op == Op::kMean) return state + x;
  if constexpr (op == Op::kSumOfSquares || op == Op::kNorm2) return simd::fma(x, x, state);
  if constexpr (op == Op::kNorm1) return state + simd::abs(x);
  if constexpr (op == Op::kProduct) return state * x;
  if constexpr (op == Op::kMax) return max_or_nan(state, x);
  if constexpr (op == Op::kMin) return min_or_nan(state, x);
}
template <Op op, typename V>
OCTET_INLINE V join(V a, V b) {
  if constexpr (op == Op::kProduct) return a * b;
  else if constexpr (op == Op::kMax) return max_or_nan(a, b);
  else if constexpr (op == Op::kMin) return min_or_nan(a, b);
  else return a + b;
}
template <Op op, typename V>
OCTET_INLINE V end(V state, int64_t count) {
  if constexpr (op == Op::kMean) return state / V(static_cast<float>(count));
  if constexpr (op == Op::kNorm2) return simd::sqrt(state);
  if constexpr (op == Op::kMax || op == Op::kMin) return state + V(0.0f);
  return state;
}

// What is subtracted before exp: the largest element, or 0 where that is infinite (the logarithm then gives that infinity).
template <typename V>
OCTET_INLINE V shift_of(V largest) {
  return simd::select(simd::abs(largest) == V(math::kInfinity), V(0.0f), largest);
}

// Calls body with the operation as a constant; kLogSumExp is the caller's own.
template <typename Body>
OCTET_INLINE void with_op(Op op, Body body) {
  switch (op) {
    case Op::kSum: return body(std::integral_constant<Op, Op::kSum>());
    case Op::kMean: return body(std::integral_constant<Op, Op::kMean>());
    case Op::kSumOfSquares: return body(std::integral_constant<Op, Op::kSumOfSquares>());
    case Op::kNorm1: return body(std::integral_constant<Op, Op::kNorm1>());
    case Op::kNorm2: return body(std::integral_constant<Op, Op::kNorm2>());
    case Op::kProduct: return body(std::integral_constant<Op, Op::kProduct>());
    case Op::kMax: return body(std::integral_constant<Op, Op::kMax>());
    case Op::kMin: return body(std::integral_constant<Op, Op::kMin>());
    case Op::kLogSumExp: return;
  }
}

}  // namespace
}  // namespace octet::kernels::reduce_f32
