// layer_norm_f32, sixteen at a time.
#pragma once

#include "kernels/layer_norm_f32/layer_norm_f32.h"
#include "kernels/quantize_wide.h"

namespace octet::kernels::layer_norm_f32 {
namespace {

using simd::fma, simd::Wide;   // NOLINT

// store(i, y, n) for all blocks; `total` holds the lanes of the row's sum.
template <typename Store>
OCTET_INLINE void normalize(const Params& p, const float* x, int64_t columns, int64_t r, Wide total, Store store) {
  const float count = static_cast<float>(columns);
  const float mean = p.rms ? 0.0f : simd::reduce_add(total) / count;
  const Wide centre(mean);
  Wide squares(0.0f);
  simd::for_blocks(columns, [&](int64_t i, auto n) {
    Wide d = simd::load_block(x + i, n);
    if (!p.rms) d = d - centre;
    if (n != 16) d = simd::select(simd::lanes_below(n), d, Wide(0.0f));
    squares = fma(d, d, squares);
  });
  const float inverse = 1.0f / __builtin_sqrtf(simd::reduce_add(squares) / count + p.epsilon);
  if (p.means && !p.rms) p.means[r] = mean;
  if (p.inverses) p.inverses[r] = inverse;
  const Wide factor(inverse);
  simd::for_blocks(columns, [&](int64_t i, auto n) {
    Wide t = simd::load_block(x + i, n);
    if (!p.rms) t = t - centre;
    t = t * factor;
    if (p.scale) t = p.bias ? fma(t, simd::load_block(p.scale + i, n), simd::load_block(p.bias + i, n)) : t * simd::load_block(p.scale + i, n);
    store(i, t, n);
  });
}

OCTET_INLINE Wide lanes_of(const Params& p, const float* x, int64_t columns) {
  Wide sum(0.0f);
  if (!p.rms) simd::for_blocks(columns, [&](int64_t i, auto n) { sum = sum + simd::load_block(x + i, n); });   // missing lanes are 0
  return sum;
}

void run_wide(const Params& p, const float* x, float* y, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns)
    normalize(p, x, columns, r, lanes_of(p, x, columns), [&](int64_t i, Wide t, auto n) { simd::store_block(t, y + i, n); });
}

void fused_wide(const Fused& f, int64_t rows, int64_t columns) {
  Params params = f.params;
  params.means = params.inverses = nullptr;
  const Quantizer quantize(f.y_scale, f.y_zero_point, f.y_low, f.y_high);
  const ByteReader read(f.skip_signed, f.skip_zero_point);
  const Wide skip_scale(f.skip_scale);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = r * columns;
    const float* row = f.x + at;
    Wide total(0.0f);
    if (f.skip != nullptr || f.skip_bytes != nullptr) {
      float* sum = f.sum + (f.keeps_sum ? at : 0);
      simd::for_blocks(columns, [&](int64_t i, auto n) {
        const Wide skip = f.skip != nullptr ? simd::load_block(f.skip + at + i, n) : simd::to_float(read(simd::load_u8_block(f.skip_bytes + at + i, n))) * skip_scale;
        const Wide v = simd::load_block(row + i, n) + skip;
        simd::store_block(v, sum + i, n);
        total = total + (n == 16 ? v : simd::select(simd::lanes_below(n), v, Wide(0.0f)));
      });
      row = sum;
    } else {
      total = lanes_of(params, row, columns);
    }
    if (f.y != nullptr) {
      normalize(params, row, columns, r, total, [&](int64_t i, Wide t, auto n) { simd::store_block(t, f.y + at + i, n); });
    } else {
      normalize(params, row, columns, r, total, [&](int64_t i, Wide t, auto n) { simd::store_u8_block(quantize(t), f.y_bytes + at + i, n); });
    }
  }
}

constexpr Kernel kWide = {run_wide, fused_wide};

}  // namespace
}  // namespace octet::kernels::layer_norm_f32
