#include "kernels/affine_f32/affine_f32.h"

#include "kernels/lanes.h"

namespace octet::kernels::affine_f32 {

static void channels(const float* x, float* y, int64_t rows, int64_t channels, const float* a, const float* b) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) y[r * channels + c] = __builtin_fmaf(x[r * channels + c], a[c], b[c]);
}

static void plane(const float* x, float* y, int64_t count, float a, float b) {
  for (int64_t i = 0; i < count; ++i) y[i] = __builtin_fmaf(x[i], a, b);
}

static void moments_of_channels(const float* x, int64_t rows, int64_t stride, int64_t begin, int64_t end, float* mean, float* variance) {
  const float n = static_cast<float>(rows);
  for (int64_t c = begin; c < end; ++c) {
    float sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; ++r) sum += x[r * stride + c];
    mean[c] = sum / n;
    for (int64_t r = 0; r < rows; ++r) {
      float d = x[r * stride + c] - mean[c];
      squares = __builtin_fmaf(d, d, squares);
    }
    variance[c] = squares / n;
  }
}

static void moments_of_plane(const float* x, int64_t count, float* mean, float* variance) {
  const float n = static_cast<float>(count);
  const float m = sum_lanes(count, [&](float lane, int64_t i) { return lane + x[i]; }) / n;
  *mean = m;
  *variance = sum_lanes(count, [&](float lane, int64_t i) { return __builtin_fmaf(x[i] - m, x[i] - m, lane); }) / n;
}

const Kernel reference = {channels, plane, moments_of_channels, moments_of_plane};

}  // namespace octet::kernels::affine_f32
