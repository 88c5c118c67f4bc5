#include "kernels/layer_norm_f32/layer_norm_f32.h"

#include "kernels/lanes.h"

namespace octet::kernels::layer_norm_f32 {

static void run(const Params& p, const float* x, float* y, int64_t rows, int64_t columns) {
  const float n = static_cast<float>(columns);
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float mean = p.rms ? 0.0f : sum_lanes(columns, [&](float lane, int64_t i) { return lane + x[i]; }) / n;
    const float variance = sum_lanes(columns, [&](float lane, int64_t i) {
      float d = p.rms ? x[i] : x[i] - mean;
      return __builtin_fmaf(d, d, lane);
    }) / n;
    const float inverse = 1.0f / __builtin_sqrtf(variance + p.epsilon);
    if (p.means && !p.rms) p.means[r] = mean;
    if (p.inverses) p.inverses[r] = inverse;
    for (int64_t i = 0; i < columns; ++i) {
      float t = (p.rms ? x[i] : x[i] - mean) * inverse;
      y[i] = !p.scale ? t : p.bias ? __builtin_fmaf(t, p.scale[i], p.bias[i]) : t * p.scale[i];
    }
  }
}

const Kernel reference = {run};

}  // namespace octet::kernels::layer_norm_f32
