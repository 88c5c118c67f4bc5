// resize, vectors across the channels.
#pragma once

#include "kernels/resize/resize.h"
#include "kernels/round_wide.h"

namespace octet::kernels::resize {
namespace {

using simd::fma, simd::Wide;   // NOLINT

constexpr int kMostTaps = 64;   // antialiasing that shrinks further goes through the reference

// taps: the number per axis where it is fixed, 0 where the table says. load(element offset) reads sixteen inputs as floats.
template <int taps, typename Load>
OCTET_INLINE Wide blend(const Geometry& g, const int64_t* row_offsets, const float* row_weights, const int32_t* index, const float* weight, Load load) {
  const int rows = taps ? taps : g.height.taps, columns = taps ? taps : g.width.taps;
  Wide v(0.0f);
  for (int i = 0; i < rows; ++i) {
    Wide h(0.0f);
    for (int j = 0; j < columns; ++j) {
      const Wide value = load(row_offsets[i] + index[j] * g.x_stride), w(weight[j]);
      h = j == 0 ? value * w : fma(value, w, h);
    }
    const Wide w(row_weights[i]);
    v = i == 0 ? h * w : fma(h, w, v);
  }
  return v;
}

// Calls body for every output pixel: row offsets and weights, the column's table, the output's offset.
template <typename Body>
OCTET_INLINE void for_pixels(const Geometry& g, int64_t begin, int64_t end, Body body) {
  int64_t offsets[kMostTaps];
  for (int64_t row = begin; row < end; ++row) {
    const int64_t image = row / g.height.out, oh = row % g.height.out;
    for (int i = 0; i < g.height.taps; ++i)
      offsets[i] = (image * g.height.in + g.height.index[oh * g.height.taps + i]) * g.width.in * g.x_stride;
    for (int64_t ow = 0; ow < g.width.out; ++ow)
      body(offsets, g.height.weight + oh * g.height.taps, g.width.index + ow * g.width.taps, g.width.weight + ow * g.width.taps,
           (row * g.width.out + ow) * g.y_stride);
  }
}

template <int taps>
void f32_taps(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  for_pixels(g, begin, end, [&](const int64_t* offsets, const float* row_weights, const int32_t* index, const float* weight, int64_t out) {
    simd::for_blocks(g.channels, [&](int64_t c, auto n) {
      Wide v = blend<taps>(g, offsets, row_weights, index, weight, [&](int64_t at) { return simd::load_block(x + at + c, n); });
      simd::store_block(v, y + out + c, n);
    });
  });
}

template <int taps>
void bytes_taps(const Geometry& g, const ByteParams& p, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  const ByteReader read(p.x_signed, p.x_zero);
  const Requantizer requantize(p.y_zero, p.low, p.high);
  const Wide ratio(p.ratio);
  for_pixels(g, begin, end, [&](const int64_t* offsets, const float* row_weights, const int32_t* index, const float* weight, int64_t out) {
    simd::for_blocks(g.channels, [&](int64_t c, auto n) {
      Wide v = blend<taps>(g, offsets, row_weights, index, weight,
                           [&](int64_t at) { return simd::to_float(read(simd::load_u8_block(x + at + c, n))); });
      simd::store_u8_block(requantize(v * ratio), y + out + c, n);
    });
  });
}

void f32_wide(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  if (g.height.taps > kMostTaps) return reference.f32(g, x, y, begin, end);
  if (g.height.taps == 2 && g.width.taps == 2) return f32_taps<2>(g, x, y, begin, end);
  if (g.height.taps == 4 && g.width.taps == 4) return f32_taps<4>(g, x, y, begin, end);
  f32_taps<0>(g, x, y, begin, end);
}

void bytes_wide(const Geometry& g, const ByteParams& p, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  if (g.height.taps > kMostTaps) return reference.bytes(g, p, x, y, begin, end);
  if (g.height.taps == 2 && g.width.taps == 2) return bytes_taps<2>(g, p, x, y, begin, end);
  if (g.height.taps == 4 && g.width.taps == 4) return bytes_taps<4>(g, p, x, y, begin, end);
  bytes_taps<0>(g, p, x, y, begin, end);
}

constexpr Kernel kWide = {f32_wide, bytes_wide};

}  // namespace
}  // namespace octet::kernels::resize
