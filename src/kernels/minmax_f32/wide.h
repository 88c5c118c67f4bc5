// minmax_f32, four times sixteen at a time: without NaN and with zeros made +0 at the end, the order does not matter.
#pragma once

#include <limits>

#include "kernels/minmax_f32/minmax_f32.h"
#include "kernels/simd.h"

namespace octet::kernels::minmax_f32 {
namespace {

using simd::Wide;

void run_wide(const float* x, int64_t count, float* min, float* max) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Wide low[4] = {Wide(kInfinity), Wide(kInfinity), Wide(kInfinity), Wide(kInfinity)};
  Wide high[4] = {Wide(-kInfinity), Wide(-kInfinity), Wide(-kInfinity), Wide(-kInfinity)};
  int64_t i = 0;
  for (; i + 64 <= count; i += 64)
    for (int k = 0; k < 4; ++k) {
      Wide v = Wide::load(x + i + 16 * k);
      low[k] = simd::min(v, low[k]);   // NaN in v keeps what was there
      high[k] = simd::max(v, high[k]);
    }
  simd::for_blocks(count - i, [&](int64_t at, auto n) {
    Wide v = simd::load_block(x + i + at, n);
    const Wide::Mask there = simd::lanes_below(n);
    low[0] = simd::select(there, simd::min(v, low[0]), low[0]);
    high[0] = simd::select(there, simd::max(v, high[0]), high[0]);
  });
  for (int k = 1; k < 4; ++k) {
    low[0] = simd::min(low[k], low[0]);
    high[0] = simd::max(high[k], high[0]);
  }
  *min = simd::reduce_tree(low[0], [](simd::Scalar a, simd::Scalar b) { return simd::min(a, b); }) + 0.0f;
  *max = simd::reduce_tree(high[0], [](simd::Scalar a, simd::Scalar b) { return simd::max(a, b); }) + 0.0f;
}

constexpr Kernel kWide = {run_wide};

}  // namespace
}  // namespace octet::kernels::minmax_f32
