// Integers to floats: y = float(x - zero) · scale, one rounding for the product (and one for int32 values beyond 2^24).
//
// Any alignment; y does not overlap x. Bytes are read as *_signed says. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::dequantize {

struct Kernel {
  // One scale and zero point for `count` bytes. For a scale per channel in NCHW: one call per plane.
  void (*tensor)(const uint8_t* x, bool is_signed, float* y, int64_t count, float scale, int32_t zero);
  // x, y [rows][channels], dense: channel c has scales[c] and zeros[c] (NHWC, or the last axis).
  void (*channels)(const uint8_t* x, bool is_signed, float* y, int64_t rows, int64_t channels, const float* scales, const int32_t* zeros);
  // y[c·y_plane + p] = d(x[p·channels + c]) for pixels p in [begin, end): NHWC bytes to NCHW float, one image.
  void (*nhwc_to_nchw)(const uint8_t* x, bool is_signed, float* y, int64_t channels, int64_t y_plane, int64_t begin, int64_t end,
                       float scale, int32_t zero);
  // int32 with zero point 0 (the only one ONNX allows there): y = fl(fl(x) · scale), one scale ...
  void (*int32_tensor)(const int32_t* x, float* y, int64_t count, float scale);
  // ... or one per channel.
  void (*int32_channels)(const int32_t* x, float* y, int64_t rows, int64_t channels, const float* scales);
};

#define OCTET_KERNEL_MANIFEST "kernels/dequantize/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::dequantize
