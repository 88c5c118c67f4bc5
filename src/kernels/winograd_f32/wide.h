// winograd_f32, sixteen at a time.
#pragma once

#include "kernels/winograd_f32/formulas.h"
#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels::winograd_f32 {
namespace {

using simd::Wide;

void transform_input_wide(const float* const* pixels, int64_t channels, float* out, int64_t step) {
  simd::for_blocks(channels, [&](int64_t c, auto n) {
    Wide d[kPixels];
    for (int p = 0; p < kPixels; ++p) d[p] = simd::load_block(pixels[p] + c, n);
    transform_square(d);
    for (int k = 0; k < kProducts; ++k) simd::store_block(d[k], out + k * step + c, n);
  });
}

void finish_wide(const Square& s) {
  const Wide low(s.low), high(s.high);
  simd::for_blocks(s.columns, [&](int64_t c, auto n) {
    Wide m[kProducts], y[kOutputs];
    for (int k = 0; k < kProducts; ++k) m[k] = simd::load_block(s.products + k * s.step + c, n);
    outputs_of(m, y);
    const Wide bias = simd::load_block(s.bias + c, n);
    for (int p = 0; p < kOutputs; ++p) {
      if (s.output[p] == nullptr) continue;
      Wide v = y[p] + bias;
      if (s.residual[p] != nullptr) v = v + simd::load_block(s.residual[p] + c, n);
      simd::store_block(simd::min(high, simd::max(low, v)), s.output[p] + c, n);
    }
  });
}

constexpr Kernel kWide = {transform_input_wide, finish_wide};

}  // namespace
}  // namespace octet::kernels::winograd_f32
