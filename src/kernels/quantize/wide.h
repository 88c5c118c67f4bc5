// quantize, sixteen at a time.
#pragma once

#include "kernels/quantize/quantize.h"
#include "kernels/quantize_wide.h"

namespace octet::kernels::quantize {
namespace {

using simd::Wide;

void tensor_wide(const float* x, uint8_t* y, int64_t count, float scale, int32_t zero, Range range) {
  const Quantizer quantize(scale, zero, range.low, range.high);
  simd::for_blocks(count, [&](int64_t i, auto n) { simd::store_u8_block(quantize(simd::load_block(x + i, n)), y + i, n); });
}

void channels_wide(const float* x, uint8_t* y, int64_t rows, int64_t channels, const float* scales, const int32_t* zeros, Range range) {
  const Wide low(static_cast<float>(range.low)), high(static_cast<float>(range.high));
  simd::for_blocks(channels, [&](int64_t c, auto n) {
    Wide divisor = simd::load_block(scales + c, n);
    Wide::Int zero = n == 16 ? Wide::Int::load(zeros + c) : Wide::Int::load_first(zeros + c, n);
    Requantizer requantize(0, 0, 0);
    requantize.zero = zero;
    requantize.least = low - simd::to_float(zero);
    requantize.most = high - simd::to_float(zero);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * channels + c;
      simd::store_u8_block(requantize(simd::load_block(x + at, n) / divisor), y + at, n);
    }
  });
}

void nchw_to_nhwc_wide(const float* x, uint8_t* y, int64_t channels, int64_t x_plane, int64_t begin, int64_t end, float scale,
                       int32_t zero, Range range) {
  const Quantizer quantize(scale, zero, range.low, range.high);
  // Up to four channels of sixteen pixels make sixteen words, whose bytes lie as the output wants them.
  for (int64_t group = 0; group < channels; group += 4) {
    const int width = channels - group < 4 ? static_cast<int>(channels - group) : 4;
    simd::for_blocks(end - begin, [&](int64_t i, auto n) {
      const int64_t p = begin + i;
      const float* from = x + group * x_plane + p;
      const Wide::Int low_byte(255);
      Wide::Int words = quantize(simd::load_block(from, n)) & low_byte;
      if (width > 1) words = words | simd::shift_left<8>(quantize(simd::load_block(from + x_plane, n)) & low_byte);
      if (width > 2) words = words | simd::shift_left<16>(quantize(simd::load_block(from + 2 * x_plane, n)) & low_byte);
      if (width > 3) words = words | simd::shift_left<24>(quantize(simd::load_block(from + 3 * x_plane, n)));
      alignas(64) uint32_t word[16];
      words.store(reinterpret_cast<int32_t*>(word));
      uint8_t* to = y + p * channels + group;
      if (channels == 3 && p + 16 < end) {
        // The fourth byte is the next pixel's first, which is written after it.
        for (int l = 0; l < 16; ++l) std::memcpy(to + 3 * l, word + l, 4);
      } else if (width == 4) {
        for (int l = 0; l < n; ++l) std::memcpy(to + l * channels, word + l, 4);
      } else {
        for (int l = 0; l < n; ++l) std::memcpy(to + l * channels, word + l, static_cast<size_t>(width));
      }
    });
  }
}

constexpr Kernel kWide = {tensor_wide, channels_wide, nchw_to_nhwc_wide};

}  // namespace
}  // namespace octet::kernels::quantize
