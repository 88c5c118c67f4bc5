#include <limits>

#include "kernels/pool/walk.h"
#include "kernels/round.h"

namespace octet::kernels::pool {

// Folds the taps of a window for one channel, rows first.
template <typename T, typename Value, typename Fold>
static Value fold(const Window& w, const T* x, Value value, Fold step) {
  for (int64_t i = 0; i < w.rows; ++i)
    for (int64_t j = 0; j < w.columns; ++j) value = step(value, x[w.x + i * w.row_step + j * w.column_step]);
  return value;
}

static void max_f32(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    for (int64_t c = 0; c < g.channels; ++c)
      y[out + c] = fold(w, x + c, -std::numeric_limits<float>::infinity(), [](float m, float v) { return v > m ? v : m; });
  });
}

static void average_f32(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    for (int64_t c = 0; c < g.channels; ++c)
      y[out + c] = fold(w, x + c, 0.0f, [](float sum, float v) { return sum + v; }) / static_cast<float>(w.count);
  });
}

static void max_8(const Geometry& g, bool is_signed, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    for (int64_t c = 0; c < g.channels; ++c)
      y[out + c] = static_cast<uint8_t>(fold(w, x + c, is_signed ? -128 : 0, [&](int32_t m, uint8_t v) {
        int32_t value = byte_value(v, is_signed);
        return value > m ? value : m;
      }));
  });
}

static uint8_t average(const AverageParams& p, int32_t sum, int64_t count) {
  return requantize(static_cast<float>(sum) * average_multiplier(p, count), p.y_zero, p.low, p.high);
}

static void average_8(const Geometry& g, const AverageParams& p, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    for (int64_t c = 0; c < g.channels; ++c)
      y[out + c] = average(p, fold(w, x + c, 0, [&](int32_t sum, uint8_t v) { return sum + byte_value(v, p.x_signed) - p.x_zero; }), w.count);
  });
}

static void global_average_f32(const float* x, int64_t pixels, int64_t x_stride, float* y, int64_t begin, int64_t end) {
  for (int64_t c = begin; c < end; ++c) {
    float sum = 0;
    for (int64_t p = 0; p < pixels; ++p) sum += x[p * x_stride + c];
    y[c] = sum / static_cast<float>(pixels);
  }
}

static void global_average_8(const AverageParams& p, const uint8_t* x, int64_t pixels, int64_t x_stride, uint8_t* y, int64_t begin, int64_t end) {
  for (int64_t c = begin; c < end; ++c) {
    int32_t sum = 0;
    for (int64_t i = 0; i < pixels; ++i) sum += byte_value(x[i * x_stride + c], p.x_signed) - p.x_zero;
    y[c] = average(p, sum, pixels);
  }
}

const Kernel reference = {max_f32, average_f32, max_8, average_8, global_average_f32, global_average_8};

}  // namespace octet::kernels::pool
