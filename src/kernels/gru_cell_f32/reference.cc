#include "kernels/gru_cell_f32/gru_cell_f32.h"

#include "kernels/math.h"

namespace octet::kernels::gru_cell_f32 {

static float sigmoid(float x) { return math::sigmoid(simd::Scalar(x)).v; }
static float tanh(float x) { return math::tanh(simd::Scalar(x)).v; }
static float limit(float x, float clip) { return x < -clip ? -clip : x > clip ? clip : x; }
static float plus(float x, const float* bias, int64_t i) { return bias ? x + bias[i] : x; }

static void gates(const float* input, const float* recurrent, const float* bias, float clip, const float* h_before, float* z, float* reset, int64_t units) {
  for (int64_t u = 0; u < units; ++u) {
    z[u] = sigmoid(limit(plus(input[u] + recurrent[u], bias, u), clip));
    reset[u] = sigmoid(limit(plus(input[units + u] + recurrent[units + u], bias, units + u), clip)) * h_before[u];
  }
}

static void finish(const float* input, const float* recurrent, const float* bias, float clip, const float* z, const float* h_before, float* h, int64_t units) {
  for (int64_t u = 0; u < units; ++u) {
    const float n = tanh(limit(plus(input[u] + recurrent[u], bias, u), clip));
    h[u] = __builtin_fmaf(z[u], h_before[u] - n, n);
  }
}

static void step(const float* input, const float* recurrent, const float* bias, const float* recurrent_bias, float clip,
                 const float* h_before, float* h, int64_t units) {
  for (int64_t u = 0; u < units; ++u) {
    auto gate = [&](int64_t at) { return sigmoid(limit(plus(plus(input[at] + recurrent[at], bias, at), recurrent_bias, at), clip)); };
    const float z = gate(u), r = gate(units + u);
    const int64_t at = 2 * units + u;
    const float n = tanh(limit(__builtin_fmaf(r, plus(recurrent[at], recurrent_bias, at), plus(input[at], bias, at)), clip));
    h[u] = __builtin_fmaf(z, h_before[u] - n, n);
  }
}

const Kernel reference = {gates, finish, step};

}  // namespace octet::kernels::gru_cell_f32
