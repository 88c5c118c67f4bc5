// One step of a GRU for one row of the batch. Gates lie in ONNX's order z, r, h; clip limits what enters an activation to
// [-clip, clip]; sigmoid and tanh of kernels/math.h. Biases may be null (then they are not added).
//
// linear_before_reset = 0, two calls with the product (r·h_before)·Rh between them:
//   gates    input 3·units, recurrent 2·units (z, r), bias 2·units (input and recurrent bias summed):
//            z = sigmoid(clip((input_z + recurrent_z) + bias_z)), r likewise, reset = r · h_before
//   finish   input, recurrent, bias: `units` each, of the h gate:
//            n = tanh(clip((input + recurrent) + bias)); h = fma(z, h_before - n, n)
// linear_before_reset = 1, one call:
//   step     input, recurrent 3·units; bias, recurrent_bias 3·units. z and r: ((input + recurrent) + bias) + recurrent_bias;
//            n = tanh(clip(fma(r, recurrent_h + recurrent_bias_h, input_h + bias_h))); h = fma(z, h_before - n, n)
// h may be h_before, reset and z overlap nothing. Any alignment. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::gru_cell_f32 {

struct Kernel {
  void (*gates)(const float* input, const float* recurrent, const float* bias, float clip, const float* h_before, float* z, float* reset, int64_t units);
  void (*finish)(const float* input, const float* recurrent, const float* bias, float clip, const float* z, const float* h_before, float* h, int64_t units);
  void (*step)(const float* input, const float* recurrent, const float* bias, const float* recurrent_bias, float clip,
               const float* h_before, float* h, int64_t units);
};

#define OCTET_KERNEL_MANIFEST "kernels/gru_cell_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::gru_cell_f32
