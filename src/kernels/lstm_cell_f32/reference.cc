#include "kernels/lstm_cell_f32/lstm_cell_f32.h"

#include "kernels/math.h"

namespace octet::kernels::lstm_cell_f32 {

static float sigmoid(float x) { return math::sigmoid(simd::Scalar(x)).v; }
static float tanh(float x) { return math::tanh(simd::Scalar(x)).v; }

static void step(const Params& p, const float* input, const float* recurrent, const float* c_before, float* c, float* h, int64_t units) {
  for (int64_t u = 0; u < units; ++u) {
    auto sum = [&](int gate) {
      float s = input[gate * units + u];
      if (recurrent) s = s + recurrent[gate * units + u];
      return p.bias ? s + p.bias[gate * units + u] : s;
    };
    auto look = [&](int gate, float cell, float s) { return p.peephole ? __builtin_fmaf(p.peephole[gate * units + u], cell, s) : s; };
    auto clip = [&](float s) { return s < -p.clip ? -p.clip : s > p.clip ? p.clip : s; };
    const float before = c_before[u];
    const float i = sigmoid(clip(look(0, before, sum(0))));
    const float f = p.input_forget ? 1.0f - i : sigmoid(clip(look(2, before, sum(2))));
    const float cell = __builtin_fmaf(f, before, i * tanh(clip(sum(3))));
    c[u] = cell;
    h[u] = sigmoid(clip(look(1, cell, sum(1)))) * tanh(cell);
  }
}

const Kernel reference = {step};

}  // namespace octet::kernels::lstm_cell_f32
