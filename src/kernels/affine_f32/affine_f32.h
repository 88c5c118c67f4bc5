// y = fma(x, a, b) with one a and b per channel: batch normalisation, instance normalisation once its moments are known;
// and the moments themselves.
//
//   channels  x, y [rows][channels], dense; a[c], b[c]   (NHWC or last axis)
//   plane     `count` floats with one a and b            (NCHW: one call per plane)
//   moments_of_channels  for channels [begin, end) of x [rows][stride]: mean[c] = Σx / rows, rows in order;
//             variance[c] = Σ(x - mean)² / rows, one fma per element, rows in order
//   moments_of_plane     the same for `count` neighbours, sums in the fixed 16-lane tree (element i in lane i mod 16 in order,
//             then lanes l+8, l+4, l+2, l+1)
// Any alignment; y may be x, other overlaps are not allowed. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::affine_f32 {

struct Kernel {
  void (*channels)(const float* x, float* y, int64_t rows, int64_t channels, const float* a, const float* b);
  void (*plane)(const float* x, float* y, int64_t count, float a, float b);
  void (*moments_of_channels)(const float* x, int64_t rows, int64_t stride, int64_t begin, int64_t end, float* mean, float* variance);
  void (*moments_of_plane)(const float* x, int64_t count, float* mean, float* variance);
};

#define OCTET_KERNEL_MANIFEST "kernels/affine_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::affine_f32
