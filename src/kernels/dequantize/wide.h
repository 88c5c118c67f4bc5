// dequantize, sixteen at a time.
#pragma once

#include "kernels/dequantize/dequantize.h"
#include "kernels/round_wide.h"

namespace octet::kernels::dequantize {
namespace {

using simd::to_float, simd::Wide;   // NOLINT

template <typename Size>
OCTET_INLINE Wide::Int load_int_block(const int32_t* p, Size n) {
  return n == 16 ? Wide::Int::load(p) : Wide::Int::load_first(p, n);
}

void tensor_wide(const uint8_t* x, bool is_signed, float* y, int64_t count, float scale, int32_t zero) {
  const ByteReader read(is_signed, zero);
  const Wide factor(scale);
  simd::for_blocks(count, [&](int64_t i, auto n) { simd::store_block(to_float(read(simd::load_u8_block(x + i, n))) * factor, y + i, n); });
}

void channels_wide(const uint8_t* x, bool is_signed, float* y, int64_t rows, int64_t channels, const float* scales, const int32_t* zeros) {
  const ByteReader read(is_signed, 0);
  simd::for_blocks(channels, [&](int64_t c, auto n) {
    const Wide factor = simd::load_block(scales + c, n);
    const Wide::Int zero = load_int_block(zeros + c, n);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * channels + c;
      simd::store_block(to_float(read(simd::load_u8_block(x + at, n)) - zero) * factor, y + at, n);
    }
  });
}

void nhwc_to_nchw_wide(const uint8_t* x, bool is_signed, float* y, int64_t channels, int64_t y_plane, int64_t begin, int64_t end,
                       float scale, int32_t zero) {
  const ByteReader read(is_signed, zero);
  const Wide factor(scale);
  // A few pixels at a time stay in the nearest cache while their channels are picked out.
  for (int64_t block = begin; block < end; block += 16) {
    const int n = end - block < 16 ? static_cast<int>(end - block) : 16;
    int64_t c = 0;
    for (; n == 16 && c + 16 <= channels; c += 16) {
      uint8_t rows[16][16];
      simd::transpose_bytes(x + block * channels + c, channels, rows);
      for (int k = 0; k < 16; ++k) (to_float(read(simd::load_u8(rows[k]))) * factor).store(y + (c + k) * y_plane + block);
    }
    for (; c < channels; ++c) {
      uint8_t bytes[16] = {};
      for (int l = 0; l < n; ++l) bytes[l] = x[(block + l) * channels + c];
      Wide v = to_float(read(simd::load_u8(bytes))) * factor;
      float* to = y + c * y_plane + block;
      if (n == 16)
        v.store(to);
      else
        v.store_first(to, n);
    }
  }
}

void int32_tensor_wide(const int32_t* x, float* y, int64_t count, float scale) {
  const Wide factor(scale);
  simd::for_blocks(count, [&](int64_t i, auto n) { simd::store_block(to_float(load_int_block(x + i, n)) * factor, y + i, n); });
}

void int32_channels_wide(const int32_t* x, float* y, int64_t rows, int64_t channels, const float* scales) {
  simd::for_blocks(channels, [&](int64_t c, auto n) {
    const Wide factor = simd::load_block(scales + c, n);
    for (int64_t r = 0; r < rows; ++r)
      simd::store_block(to_float(load_int_block(x + r * channels + c, n)) * factor, y + r * channels + c, n);
  });
}

constexpr Kernel kWide = {tensor_wide, channels_wide, nhwc_to_nchw_wide, int32_tensor_wide, int32_channels_wide};

}  // namespace
}  // namespace octet::kernels::dequantize
