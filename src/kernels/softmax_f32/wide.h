// softmax_f32, sixteen at a time.
#pragma once

#include "kernels/math.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels::softmax_f32 {
namespace {

using simd::Wide;

OCTET_INLINE float largest(const float* x, int64_t count) {
  Wide most(-math::kInfinity);
  simd::for_blocks(count, [&](int64_t i, auto n) {
    Wide next = simd::max(simd::load_block(x + i, n), most);
    most = n == 16 ? next : simd::select(simd::lanes_below(n), next, most);
  });
  return simd::reduce_max(most) + 0.0f;
}

template <bool logarithm>
void rows_wide(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * x_stride;
    float* out = y + r * y_stride;
    const Wide m(largest(row, columns));
    Wide lanes(0.0f);
    simd::for_blocks(columns, [&](int64_t i, auto n) {
      Wide e = math::exp_not_positive(simd::load_block(row + i, n) - m);
      if constexpr (!logarithm) simd::store_block(e, out + i, n);
      lanes = lanes + (n == 16 ? e : simd::select(simd::lanes_below(n), e, Wide(0.0f)));
    });
    const float sum = simd::reduce_add(lanes);
    if constexpr (logarithm) {
      const Wide log_sum(math::log(simd::Scalar(sum)).v);
      simd::for_blocks(columns, [&](int64_t i, auto n) { simd::store_block((simd::load_block(row + i, n) - m) - log_sum, out + i, n); });
    } else {
      const Wide inverse(1.0f / sum);
      simd::for_blocks(columns, [&](int64_t i, auto n) { simd::store_block(simd::load_block(out + i, n) * inverse, out + i, n); });
    }
  }
}

template <bool logarithm>
void columns_wide(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride) {
  simd::for_blocks(columns, [&](int64_t c, auto n) {
    Wide m(-math::kInfinity), sum(0.0f);
    for (int64_t r = 0; r < rows; ++r) m = simd::max(simd::load_block(x + r * x_stride + c, n), m);
    m = m + Wide(0.0f);
    for (int64_t r = 0; r < rows; ++r) {
      Wide e = math::exp_not_positive(simd::load_block(x + r * x_stride + c, n) - m);
      sum = sum + e;
      if constexpr (!logarithm) simd::store_block(e, y + r * y_stride + c, n);
    }
    const Wide last = logarithm ? math::log(sum) : Wide(1.0f) / sum;
    for (int64_t r = 0; r < rows; ++r) {
      float* out = y + r * y_stride + c;
      if constexpr (logarithm)
        simd::store_block((simd::load_block(x + r * x_stride + c, n) - m) - last, out, n);
      else
        simd::store_block(simd::load_block(out, n) * last, out, n);
    }
  });
}

constexpr Kernel kWide = {rows_wide<false>, rows_wide<true>, columns_wide<false>, columns_wide<true>};

}  // namespace
}  // namespace octet::kernels::softmax_f32
