// gru_cell_f32, sixteen units at a time.
#pragma once

#include "kernels/gru_cell_f32/gru_cell_f32.h"
#include "kernels/math.h"

namespace octet::kernels::gru_cell_f32 {
namespace {

using simd::fma, simd::Wide;   // NOLINT

OCTET_INLINE Wide limit(Wide x, float clip) {
  const Wide low(-clip), high(clip);
  return simd::select(x < low, low, simd::select(high < x, high, x));
}

template <typename Size>
OCTET_INLINE Wide sum_of(const float* input, const float* recurrent, const float* bias, int64_t at, Size n) {
  Wide s = simd::load_block(input + at, n) + simd::load_block(recurrent + at, n);
  return bias ? s + simd::load_block(bias + at, n) : s;
}
template <typename Size>
OCTET_INLINE Wide plus(Wide x, const float* bias, int64_t at, Size n) {
  return bias ? x + simd::load_block(bias + at, n) : x;
}

void gates_wide(const float* input, const float* recurrent, const float* bias, float clip, const float* h_before, float* z, float* reset, int64_t units) {
  simd::for_blocks(units, [&](int64_t u, auto n) {
    simd::store_block(math::sigmoid(limit(sum_of(input, recurrent, bias, u, n), clip)), z + u, n);
    const Wide r = math::sigmoid(limit(sum_of(input, recurrent, bias, units + u, n), clip));
    simd::store_block(r * simd::load_block(h_before + u, n), reset + u, n);
  });
}

void finish_wide(const float* input, const float* recurrent, const float* bias, float clip, const float* z, const float* h_before, float* h, int64_t units) {
  simd::for_blocks(units, [&](int64_t u, auto size) {
    const Wide n = math::tanh(limit(sum_of(input, recurrent, bias, u, size), clip));
    simd::store_block(fma(simd::load_block(z + u, size), simd::load_block(h_before + u, size) - n, n), h + u, size);
  });
}

void step_wide(const float* input, const float* recurrent, const float* bias, const float* recurrent_bias, float clip,
               const float* h_before, float* h, int64_t units) {
  simd::for_blocks(units, [&](int64_t u, auto size) {
    auto gate = [&](int64_t at) { return math::sigmoid(limit(plus(sum_of(input, recurrent, bias, at, size), recurrent_bias, at, size), clip)); };
    const Wide z = gate(u), r = gate(units + u);
    const int64_t at = 2 * units + u;
    const Wide from_state = plus(simd::load_block(recurrent + at, size), recurrent_bias, at, size);
    const Wide n = math::tanh(limit(fma(r, from_state, plus(simd::load_block(input + at, size), bias, at, size)), clip));
    simd::store_block(fma(z, simd::load_block(h_before + u, size) - n, n), h + u, size);
  });
}

constexpr Kernel kWide = {gates_wide, finish_wide, step_wide};

}  // namespace
}  // namespace octet::kernels::gru_cell_f32
