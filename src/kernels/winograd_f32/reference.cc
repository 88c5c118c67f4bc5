#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels::winograd_f32 {

static void transform_input(const float* const* pixels, int64_t channels, float* out, int64_t step) {
  for (int64_t c = 0; c < channels; ++c) {
    float down[4][4];   // columns transformed
    for (int j = 0; j < 4; ++j) {
      const float d0 = pixels[j][c], d1 = pixels[4 + j][c], d2 = pixels[8 + j][c], d3 = pixels[12 + j][c];
      down[0][j] = d0 - d2, down[1][j] = d1 + d2, down[2][j] = d2 - d1, down[3][j] = d1 - d3;
    }
    for (int i = 0; i < 4; ++i) {
      const float* d = down[i];
      const float v[] = {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
      for (int j = 0; j < 4; ++j) out[(4 * i + j) * step + c] = v[j];
    }
  }
}

static void finish(const Square& s) {
  for (int64_t c = 0; c < s.columns; ++c) {
    float down[2][4];
    for (int j = 0; j < 4; ++j) {
      const float* m = s.products + j * s.step + c;
      const float m0 = m[0], m1 = m[4 * s.step], m2 = m[8 * s.step], m3 = m[12 * s.step];
      down[0][j] = (m0 + m1) + m2, down[1][j] = (m1 - m2) - m3;
    }
    for (int p = 0; p < kOutputs; ++p) {
      if (s.output[p] == nullptr) continue;
      const float* m = down[p / 2];
      float v = (p % 2 == 0 ? (m[0] + m[1]) + m[2] : (m[1] - m[2]) - m[3]) + s.bias[c];
      if (s.residual[p] != nullptr) v = v + s.residual[p][c];
      v = s.low > v ? s.low : v;
      s.output[p][c] = s.high < v ? s.high : v;
    }
  }
}

const Kernel reference = {transform_input, finish};

}  // namespace octet::kernels::winograd_f32
