// The formulas, for one vector of channels or columns; Float is a vector of them, or one.
#pragma once

#include "kernels/simd.h"

namespace octet::kernels::winograd_f32 {
namespace {

// d0..d3 become v0..v3.
template <typename Float>
OCTET_INLINE void transform_four(Float& d0, Float& d1, Float& d2, Float& d3) {
  const Float v0 = d0 - d2, v1 = d1 + d2, v2 = d2 - d1, v3 = d1 - d3;
  d0 = v0, d1 = v1, d2 = v2, d3 = v3;
}

template <typename Float>
OCTET_INLINE void transform_square(Float (&d)[16]) {
  for (int c = 0; c < 4; ++c) transform_four(d[c], d[4 + c], d[8 + c], d[12 + c]);
  for (int r = 0; r < 4; ++r) transform_four(d[4 * r], d[4 * r + 1], d[4 * r + 2], d[4 * r + 3]);
}

// The 2 × 2 outputs of the products.
template <typename Float>
OCTET_INLINE void outputs_of(const Float (&m)[16], Float (&y)[4]) {
  Float top[4], bottom[4];
  for (int c = 0; c < 4; ++c) {
    top[c] = (m[c] + m[4 + c]) + m[8 + c];
    bottom[c] = (m[4 + c] - m[8 + c]) - m[12 + c];
  }
  y[0] = (top[0] + top[1]) + top[2];
  y[1] = (top[1] - top[2]) - top[3];
  y[2] = (bottom[0] + bottom[1]) + bottom[2];
  y[3] = (bottom[1] - bottom[2]) - bottom[3];
}

}  // namespace
}  // namespace octet::kernels::winograd_f32
