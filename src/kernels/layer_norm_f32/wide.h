// layer_norm_f32, sixteen at a time.
#pragma once

#include "kernels/layer_norm_f32/layer_norm_f32.h"
#include "kernels/simd.h"

namespace octet::kernels::layer_norm_f32 {
namespace {

using simd::fma, simd::Wide;   // NOLINT

void run_wide(const Params& p, const float* x, float* y, int64_t rows, int64_t columns) {
  const float count = static_cast<float>(columns);
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    float mean = 0;
    if (!p.rms) {
      Wide sum(0.0f);
      simd::for_blocks(columns, [&](int64_t i, auto n) { sum = sum + simd::load_block(x + i, n); });   // missing lanes are 0
      mean = simd::reduce_add(sum) / count;
    }
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
      simd::store_block(t, y + i, n);
    });
  }
}

constexpr Kernel kWide = {run_wide};

}  // namespace
}  // namespace octet::kernels::layer_norm_f32
