// binary_f32, sixteen at a time.
#pragma once

#include "kernels/binary_f32/binary_f32.h"
#include "kernels/simd.h"

namespace octet::kernels::binary_f32 {
namespace {

using simd::select, simd::Wide;   // NOLINT

template <Op op>
OCTET_INLINE Wide apply(Wide a, Wide b) {
  if constexpr (op == Op::kAdd) return a + b;
  if constexpr (op == Op::kSubtract) return a - b;
  if constexpr (op == Op::kMultiply) return a * b;
  if constexpr (op == Op::kDivide) return a / b;
  if constexpr (op == Op::kMin) return select(a == a, simd::min(a, b), a);
  if constexpr (op == Op::kMax) return select(a == a, simd::max(a, b), a);
  if constexpr (op == Op::kPrelu) return select(a < Wide(0.0f), a * b, a);
}

template <Op op, bool clamped>
void run_op(const Params& params, const Broadcast& shape, const float* a, const float* b, float* y, int64_t begin, int64_t end) {
  const int64_t a_step = shape.a_stride[shape.rank - 1], b_step = shape.b_stride[shape.rank - 1];
  const Wide low(params.low), high(params.high);
  auto finish = [&](Wide v) {
    if constexpr (clamped) v = select(v < low, low, select(high < v, high, v));
    return v;
  };
  for_runs(shape, begin, end, [&](int64_t y0, int64_t a0, int64_t b0, int64_t count) {
    const float *left = a + a0, *right = b + b0;
    float* out = y + y0;
    auto walk = [&](auto load_left, auto load_right) {
      simd::for_blocks(count, [&](int64_t i, auto n) { simd::store_block(finish(apply<op>(load_left(i, n), load_right(i, n))), out + i, n); });
    };
    auto left_block = [&](int64_t i, auto n) { return simd::load_block(left + i, n); };
    auto right_block = [&](int64_t i, auto n) { return simd::load_block(right + i, n); };
    if (a_step == 1 && b_step == 1) {
      walk(left_block, right_block);
    } else if (a_step == 1 && b_step == 0) {
      const Wide same(*right);
      walk(left_block, [&](int64_t, auto) { return same; });
    } else if (a_step == 0 && b_step == 1) {
      const Wide same(*left);
      walk([&](int64_t, auto) { return same; }, right_block);
    } else {
      for (int64_t i = 0; i < count; ++i)
        finish(apply<op>(Wide(left[i * a_step]), Wide(right[i * b_step]))).store_first(out + i, 1);
    }
  });
}

template <Op op>
void run_either(const Params& params, const Broadcast& shape, const float* a, const float* b, float* y, int64_t begin, int64_t end) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (params.low == -kInfinity && params.high == kInfinity)
    run_op<op, false>(params, shape, a, b, y, begin, end);
  else
    run_op<op, true>(params, shape, a, b, y, begin, end);
}

void run_wide(Op op, const Params& params, const Broadcast& shape, const float* a, const float* b, float* y, int64_t begin, int64_t end) {
  switch (op) {
    case Op::kAdd: return run_either<Op::kAdd>(params, shape, a, b, y, begin, end);
    case Op::kSubtract: return run_either<Op::kSubtract>(params, shape, a, b, y, begin, end);
    case Op::kMultiply: return run_either<Op::kMultiply>(params, shape, a, b, y, begin, end);
    case Op::kDivide: return run_either<Op::kDivide>(params, shape, a, b, y, begin, end);
    case Op::kMin: return run_either<Op::kMin>(params, shape, a, b, y, begin, end);
    case Op::kMax: return run_either<Op::kMax>(params, shape, a, b, y, begin, end);
    case Op::kPrelu: return run_either<Op::kPrelu>(params, shape, a, b, y, begin, end);
  }
}

constexpr Kernel kWide = {run_wide};

}  // namespace
}  // namespace octet::kernels::binary_f32
