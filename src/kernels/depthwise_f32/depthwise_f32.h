// The inner part of float depthwise convolutions: `pixels` neighbouring outputs of one row, all channels.
//
//     v = 0;  for t in taps (in this order):  v = fma(a[t][p · a_steps[t] + c], b[t · b_stride + c], v);  v = v + bias[c]
//     v = v + residual[p][c]                      if there is a residual
//     v = low > v ? low : v;  v = high < v ? high : v      (NaN passes through)
//     c[p · c_step + c] = v
//
// Vectorised across channels and pixels only, so all levels give the same bits. Nothing is read beyond `channels` of a pixel; b
// and bias have b_stride entries per tap (a multiple of 16, zeros behind the channels). c may equal residual.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::depthwise_f32 {

struct Block {
  const void* const* a = nullptr;     // per tap, the first pixel's input
  const int64_t* a_steps = nullptr;   // per tap, floats from one pixel's input to the next one's (0: padding)
  int64_t taps = 0, pixels = 0, channels = 0;
  const float* b = nullptr;
  int64_t b_stride = 0;
  const float* bias = nullptr;
  float* c = nullptr;
  const float* residual = nullptr;    // null, or addressed as c
  int64_t c_step = 0;
  float low = 0, high = 0;
};

struct Kernel {
  void (*run)(const Block& block);
};

#define OCTET_KERNEL_MANIFEST "kernels/depthwise_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::depthwise_f32
