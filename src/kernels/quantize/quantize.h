// Floats to 8 bits: y = round_half_even(clamp(x / scale, low - zero, high - zero)) + zero, which is
// saturate(round_half_even(x / scale) + zero_point). A division, never a reciprocal; NaN gives the zero point.
//
// low, high: the quantized range, 0..255 for u8, -128..127 for s8; y holds the low byte. zero lies in [low, high]. Any
// alignment; y does not overlap x. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::quantize {

struct Range { int32_t low = 0, high = 255; };

struct Kernel {
  // One scale and zero point for `count` values. For a scale per channel in NCHW: one call per plane.
  void (*tensor)(const float* x, uint8_t* y, int64_t count, float scale, int32_t zero, Range range);
  // x, y [rows][channels], dense: channel c has scales[c] and zeros[c] (NHWC, or the last axis).
  void (*channels)(const float* x, uint8_t* y, int64_t rows, int64_t channels, const float* scales, const int32_t* zeros, Range range);
  // y[p·channels + c] = q(x[c·x_plane + p]) for pixels p in [begin, end): NCHW float to NHWC bytes, one image.
  void (*nchw_to_nhwc)(const float* x, uint8_t* y, int64_t channels, int64_t x_plane, int64_t begin, int64_t end, float scale,
                       int32_t zero, Range range);
};

#define OCTET_KERNEL_MANIFEST "kernels/quantize/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::quantize
