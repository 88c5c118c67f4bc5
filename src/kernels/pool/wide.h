// pool, vectors across the channels.
#pragma once

#include <limits>

#include "kernels/pool/walk.h"
#include "kernels/round_wide.h"

namespace octet::kernels::pool {
namespace {

using simd::Bytes, simd::Wide;   // NOLINT

// state = take(state, tap address) over the taps of a window, rows first; x points at the channel of the first tap.
template <typename T, typename State, typename Take>
OCTET_INLINE State fold(const Window& w, const T* x, State state, Take take) {
  for (int64_t i = 0; i < w.rows; ++i) {
    const T* tap = x + i * w.row_step;
    for (int64_t j = 0; j < w.columns; ++j, tap += w.column_step) state = take(state, tap);
  }
  return state;
}

void max_f32_wide(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    simd::for_blocks(g.channels, [&](int64_t c, auto n) {
      Wide m = fold(w, x + w.x + c, Wide(-std::numeric_limits<float>::infinity()),
                    [&](Wide state, const float* tap) { return simd::max(simd::load_block(tap, n), state); });
      simd::store_block(m, y + out + c, n);
    });
  });
}

void average_f32_wide(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    const Wide count(static_cast<float>(w.count));
    simd::for_blocks(g.channels, [&](int64_t c, auto n) {
      Wide sum = fold(w, x + w.x + c, Wide(0.0f), [&](Wide state, const float* tap) { return state + simd::load_block(tap, n); });
      simd::store_block(sum / count, y + out + c, n);
    });
  });
}

template <bool is_signed>
void max_bytes(const Geometry& g, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  constexpr uint8_t kLeast = is_signed ? 0x80 : 0;
  auto larger = [](Bytes a, Bytes b) { return is_signed ? simd::max_signed(a, b) : simd::max_unsigned(a, b); };
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    auto block = [&](int64_t c) {
      fold(w, x + w.x + c, Bytes(kLeast), [&](Bytes state, const uint8_t* tap) { return larger(state, Bytes::load(tap)); }).store(y + out + c);
    };
    int64_t c = 0;
    for (; c + Bytes::width <= g.channels; c += Bytes::width) block(c);
    if (c == g.channels) return;
    if (g.channels > Bytes::width) return block(g.channels - Bytes::width);   // overlaps the block before it
    for (; c < g.channels; ++c)
      y[out + c] = fold(w, x + w.x + c, kLeast, [](uint8_t state, const uint8_t* tap) {
        return is_signed ? (static_cast<int8_t>(*tap) > static_cast<int8_t>(state) ? *tap : state) : (*tap > state ? *tap : state);
      });
  });
}

void max_8_wide(const Geometry& g, bool is_signed, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  if (is_signed)
    max_bytes<true>(g, x, y, begin, end);
  else
    max_bytes<false>(g, x, y, begin, end);
}

void average_8_wide(const Geometry& g, const AverageParams& p, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  const ByteReader read(p.x_signed, p.x_zero);
  const Requantizer requantize(p.y_zero, p.low, p.high);
  for_windows(g, begin, end, [&](int64_t out, const Window& w) {
    const Wide multiplier(average_multiplier(p, w.count));
    simd::for_blocks(g.channels, [&](int64_t c, auto n) {
      Wide::Int sum = fold(w, x + w.x + c, Wide::Int(0), [&](Wide::Int state, const uint8_t* tap) { return state + read(simd::load_u8_block(tap, n)); });
      simd::store_u8_block(requantize(simd::to_float(sum) * multiplier), y + out + c, n);
    });
  });
}

void global_average_f32_wide(const float* x, int64_t pixels, int64_t x_stride, float* y, int64_t begin, int64_t end) {
  const Wide count(static_cast<float>(pixels));
  int64_t c = begin;
  for (; c + 64 <= end; c += 64) {   // four sums side by side hide the additions' latency
    Wide sum[4] = {Wide(0.0f), Wide(0.0f), Wide(0.0f), Wide(0.0f)};
    for (int64_t p = 0; p < pixels; ++p)
      for (int k = 0; k < 4; ++k) sum[k] = sum[k] + Wide::load(x + p * x_stride + c + 16 * k);
    for (int k = 0; k < 4; ++k) (sum[k] / count).store(y + c + 16 * k);
  }
  simd::for_blocks(end - c, [&](int64_t i, auto n) {
    Wide sum(0.0f);
    for (int64_t p = 0; p < pixels; ++p) sum = sum + simd::load_block(x + p * x_stride + c + i, n);
    simd::store_block(sum / count, y + c + i, n);
  });
}

void global_average_8_wide(const AverageParams& params, const uint8_t* x, int64_t pixels, int64_t x_stride, uint8_t* y, int64_t begin, int64_t end) {
  const ByteReader read(params.x_signed, params.x_zero);
  const Requantizer requantize(params.y_zero, params.low, params.high);
  const Wide multiplier(average_multiplier(params, pixels));
  simd::for_blocks(end - begin, [&](int64_t i, auto n) {
    const int64_t c = begin + i;
    Wide::Int sum(0);
    for (int64_t p = 0; p < pixels; ++p) sum = sum + read(simd::load_u8_block(x + p * x_stride + c, n));
    simd::store_u8_block(requantize(simd::to_float(sum) * multiplier), y + c, n);
  });
}

constexpr Kernel kWide = {max_f32_wide, average_f32_wide, max_8_wide, average_8_wide, global_average_f32_wide, global_average_8_wide};

}  // namespace
}  // namespace octet::kernels::pool
