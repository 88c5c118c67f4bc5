#include "kernels/layer_norm_f32/layer_norm_f32.h"

#include "kernels/lanes.h"
#include "kernels/round.h"

namespace octet::kernels::layer_norm_f32 {

// store(i, y_i) for all i.
template <typename Store>
static void normalize(const Params& p, const float* x, int64_t columns, int64_t r, Store store) {
  const float n = static_cast<float>(columns);
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
    store(i, !p.scale ? t : p.bias ? __builtin_fmaf(t, p.scale[i], p.bias[i]) : t * p.scale[i]);
  }
}

static void run(const Params& p, const float* x, float* y, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) normalize(p, x, columns, r, [&](int64_t i, float v) { y[i] = v; });
}

static void fused(const Fused& f, int64_t rows, int64_t columns) {
  Params params = f.params;
  params.means = params.inverses = nullptr;
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = f.x + r * columns;
    if (f.skip != nullptr || f.skip_bytes != nullptr) {
      float* sum = f.sum + (f.keeps_sum ? r * columns : 0);
      for (int64_t i = 0; i < columns; ++i) {
        const float skip = f.skip != nullptr ? f.skip[r * columns + i]
                                             : static_cast<float>(byte_value(f.skip_bytes[r * columns + i], f.skip_signed) - f.skip_zero_point) * f.skip_scale;
        sum[i] = row[i] + skip;
      }
      row = sum;
    }
    normalize(params, row, columns, r, [&](int64_t i, float v) {
      if (f.y != nullptr) f.y[r * columns + i] = v;
      else f.y_bytes[r * columns + i] = requantize(v / f.y_scale, f.y_zero_point, f.y_low, f.y_high);
    });
  }
}

const Kernel reference = {run, fused};

}  // namespace octet::kernels::layer_norm_f32
