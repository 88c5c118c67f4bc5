// affine_f32, sixteen at a time.
#pragma once

#include "kernels/affine_f32/affine_f32.h"
#include "kernels/simd.h"

namespace octet::kernels::affine_f32 {
namespace {

using simd::fma, simd::Wide;   // NOLINT

void channels_wide(const float* x, float* y, int64_t rows, int64_t channels, const float* a, const float* b) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels)
    simd::for_blocks(channels, [&](int64_t c, auto n) {
      simd::store_block(fma(simd::load_block(x + c, n), simd::load_block(a + c, n), simd::load_block(b + c, n)), y + c, n);
    });
}

void plane_wide(const float* x, float* y, int64_t count, float a, float b) {
  const Wide factor(a), offset(b);
  simd::for_blocks(count, [&](int64_t i, auto n) { simd::store_block(fma(simd::load_block(x + i, n), factor, offset), y + i, n); });
}

void moments_of_channels_wide(const float* x, int64_t rows, int64_t stride, int64_t begin, int64_t end, float* mean, float* variance) {
  const Wide count(static_cast<float>(rows));
  simd::for_blocks(end - begin, [&](int64_t i, auto n) {
    const int64_t c = begin + i;
    Wide sum(0.0f), squares(0.0f);
    for (int64_t r = 0; r < rows; ++r) sum = sum + simd::load_block(x + r * stride + c, n);
    const Wide centre = sum / count;
    for (int64_t r = 0; r < rows; ++r) {
      Wide d = simd::load_block(x + r * stride + c, n) - centre;
      squares = fma(d, d, squares);
    }
    simd::store_block(centre, mean + c, n);
    simd::store_block(squares / count, variance + c, n);
  });
}

void moments_of_plane_wide(const float* x, int64_t count, float* mean, float* variance) {
  const float total = static_cast<float>(count);
  Wide sum(0.0f), squares(0.0f);
  simd::for_blocks(count, [&](int64_t i, auto n) { sum = sum + simd::load_block(x + i, n); });
  *mean = simd::reduce_add(sum) / total;
  const Wide centre(*mean);
  simd::for_blocks(count, [&](int64_t i, auto n) {
    Wide d = simd::load_block(x + i, n) - centre;
    if (n != 16) d = simd::select(simd::lanes_below(n), d, Wide(0.0f));
    squares = fma(d, d, squares);
  });
  *variance = simd::reduce_add(squares) / total;
}

constexpr Kernel kWide = {channels_wide, plane_wide, moments_of_channels_wide, moments_of_plane_wide};

}  // namespace
}  // namespace octet::kernels::affine_f32
