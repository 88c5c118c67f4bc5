// lstm_cell_f32, sixteen units at a time.
#pragma once

#include "kernels/lstm_cell_f32/lstm_cell_f32.h"
#include "kernels/math.h"

namespace octet::kernels::lstm_cell_f32 {
namespace {

using simd::fma, simd::Wide;   // NOLINT

void step_wide(const Params& p, const float* input, const float* recurrent, const float* c_before, float* c, float* h, int64_t units) {
  const Wide low(-p.clip), high(p.clip);
  simd::for_blocks(units, [&](int64_t u, auto n) {
    auto sum = [&](int gate) {
      Wide s = simd::load_block(input + gate * units + u, n);
      if (recurrent) s = s + simd::load_block(recurrent + gate * units + u, n);
      return p.bias ? s + simd::load_block(p.bias + gate * units + u, n) : s;
    };
    auto look = [&](int gate, Wide cell, Wide s) { return p.peephole ? fma(simd::load_block(p.peephole + gate * units + u, n), cell, s) : s; };
    auto clip = [&](Wide s) { return simd::select(s < low, low, simd::select(high < s, high, s)); };
    const Wide before = simd::load_block(c_before + u, n);
    const Wide i = math::sigmoid(clip(look(0, before, sum(0))));
    const Wide f = p.input_forget ? Wide(1.0f) - i : math::sigmoid(clip(look(2, before, sum(2))));
    const Wide cell = fma(f, before, i * math::tanh(clip(sum(3))));
    simd::store_block(cell, c + u, n);
    simd::store_block(math::sigmoid(clip(look(1, cell, sum(1)))) * math::tanh(cell), h + u, n);
  });
}

constexpr Kernel kWide = {step_wide};

}  // namespace
}  // namespace octet::kernels::lstm_cell_f32
