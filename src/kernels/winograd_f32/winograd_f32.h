// The additions of Winograd's F(2×2, 3×3) in float, around the products: a 3×3 convolution of stride 1 computes each square of 2 × 2
// outputs from 4 × 4 inputs by 16 products per pair of channels where the definition takes 36 (Lavin and Gray, Fast Algorithms for
// Convolutional Neural Networks, 2015).
//
//     weights  U = G g Gᵀ     in each direction  g0, ((g0 + g1) + g2) / 2, ((g0 − g1) + g2) / 2, g2
//     input    V = Bᵀ d B     in each direction  d0 − d2, d1 + d2, d2 − d1, d1 − d3
//     products M[k] = Σ over channels of V[k] · U[k], k = 0..15, rows first; see gemm_f32/gemm_f32.h
//     output   Y = Aᵀ M A     in each direction  (m0 + m1) + m2, (m1 − m2) − m3
//
// All three transform columns of pixels first (down a column: its four rows), then rows, one float operation after the other as written,
// each rounded: the same bits at all levels. Callers use conv/conv_f32.h.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::winograd_f32 {

inline constexpr int64_t kPixels = 16, kProducts = 16, kOutputs = 4;

// y = clamp(Y + bias (+ residual)) of one square; see gemm_f32/gemm_f32.h about the clamp.
struct Square {
  const float* products = nullptr;    // the first of M[0]; those of M[k] lie k · step floats behind
  int64_t step = 0;
  int64_t columns = 0;
  const float* bias = nullptr;
  float* output[kOutputs] = {};       // of each pixel, rows first; null where it lies outside the picture
  const float* residual[kOutputs] = {};   // of each pixel that is there; or all null. May be the output
  float low = 0, high = 0;
};

// Any alignment; nothing is read or written beyond the last channel or column. Pure, thread-safe.
struct Kernel {
  // `pixels`: 4 × 4 of `channels` floats each; V[k] goes to out + k · step.
  void (*transform_input)(const float* const* pixels, int64_t channels, float* out, int64_t step);
  void (*finish)(const Square& square);
};

#define OCTET_KERNEL_MANIFEST "kernels/winograd_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::winograd_f32
