// reduce_f32, sixteen at a time.
#pragma once

#include "kernels/reduce_f32/formulas.h"

namespace octet::kernels::reduce_f32 {
namespace {

using simd::Scalar, simd::Wide;   // NOLINT

template <Op op>
OCTET_INLINE float row_wide(const float* x, int64_t count) {
  Wide lanes(start_of(op));
  simd::for_blocks(count, [&](int64_t i, auto n) {
    Wide next = take<op>(lanes, simd::load_block(x + i, n));
    lanes = n == 16 ? next : simd::select(simd::lanes_below(n), next, lanes);
  });
  return end<op>(Scalar(simd::reduce_tree(lanes, [](Scalar a, Scalar b) { return join<op>(a, b); })), count).v;
}

void rows_wide(Op op, const float* x, float* y, int64_t rows, int64_t columns, int64_t stride) {
  if (op == Op::kLogSumExp) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = x + r * stride;
      const Scalar m = shift_of(Scalar(row_wide<Op::kMax>(row, columns)));
      const Wide shift(m.v);
      Wide lanes(0.0f);
      simd::for_blocks(columns, [&](int64_t i, auto n) {
        Wide e = math::exp(simd::load_block(row + i, n) - shift);
        lanes = lanes + (n == 16 ? e : simd::select(simd::lanes_below(n), e, Wide(0.0f)));
      });
      y[r] = (m + math::log(Scalar(simd::reduce_add(lanes)))).v;
    }
    return;
  }
  with_op(op, [&](auto constant) {
    for (int64_t r = 0; r < rows; ++r) y[r] = row_wide<constant()>(x + r * stride, columns);
  });
}

void columns_wide(Op op, const float* x, float* y, int64_t rows, int64_t columns, int64_t stride) {
  if (op == Op::kLogSumExp) {
    simd::for_blocks(columns, [&](int64_t c, auto n) {
      Wide most(-math::kInfinity), sum(0.0f);
      for (int64_t r = 0; r < rows; ++r) most = take<Op::kMax>(most, simd::load_block(x + r * stride + c, n));
      const Wide m = shift_of(end<Op::kMax>(most, rows));
      for (int64_t r = 0; r < rows; ++r) sum = sum + math::exp(simd::load_block(x + r * stride + c, n) - m);
      simd::store_block(m + math::log(sum), y + c, n);
    });
    return;
  }
  with_op(op, [&](auto constant) {
    // Two blocks of sixteen side by side hide half of each sum's latency.
    int64_t c = 0;
    for (; c + 32 <= columns; c += 32) {
      Wide first(start_of(constant())), second = first;
      for (int64_t r = 0; r < rows; ++r) {
        first = take<constant()>(first, Wide::load(x + r * stride + c));
        second = take<constant()>(second, Wide::load(x + r * stride + c + 16));
      }
      end<constant()>(first, rows).store(y + c);
      end<constant()>(second, rows).store(y + c + 16);
    }
    simd::for_blocks(columns - c, [&](int64_t at, auto n) {
      Wide state(start_of(constant()));
      for (int64_t r = 0; r < rows; ++r) state = take<constant()>(state, simd::load_block(x + r * stride + c + at, n));
      simd::store_block(end<constant()>(state, rows), y + c + at, n);
    });
  });
}

constexpr Kernel kWide = {rows_wide, columns_wide};

}  // namespace
}  // namespace octet::kernels::reduce_f32
