#include "kernels/softmax_f32/softmax_f32.h"

#include "kernels/lanes.h"
#include "kernels/math.h"

namespace octet::kernels::softmax_f32 {

static float exp(float x) { return math::exp(simd::Scalar(x)).v; }
static float log(float x) { return math::log(simd::Scalar(x)).v; }

static float largest(const float* x, int64_t count, int64_t step) {
  float m = -math::kInfinity;
  for (int64_t i = 0; i < count; ++i)
    if (x[i * step] > m) m = x[i * step];
  return m + 0.0f;
}

template <bool logarithm>
static void finish(const float* x, float* y, int64_t count, int64_t x_step, int64_t y_step, float m, float sum) {
  const float inverse = 1.0f / sum, log_sum = log(sum);
  for (int64_t i = 0; i < count; ++i) y[i * y_step] = logarithm ? (x[i * x_step] - m) - log_sum : exp(x[i * x_step] - m) * inverse;
}

template <bool logarithm>
static void rows(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * x_stride;
    const float m = largest(row, columns, 1);
    const float sum = sum_lanes(columns, [&](float lane, int64_t i) { return lane + exp(row[i] - m); });
    finish<logarithm>(row, y + r * y_stride, columns, 1, 1, m, sum);
  }
}

template <bool logarithm>
static void columns(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride) {
  for (int64_t c = 0; c < columns; ++c) {
    const float m = largest(x + c, rows, x_stride);
    float sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += exp(x[r * x_stride + c] - m);
    finish<logarithm>(x + c, y + c, rows, x_stride, y_stride, m, sum);
  }
}

const Kernel reference = {rows<false>, rows<true>, columns<false>, columns<true>};

}  // namespace octet::kernels::softmax_f32
