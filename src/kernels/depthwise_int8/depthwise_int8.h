// The inner part of 8-bit depthwise convolutions: `pixels` neighbouring outputs of one row, all channels, exact in 32 bits.
//
//     acc = bias[c] + Σ over taps t of (a[t][p · a_steps[t] + c] ^ flip) · b[t][c]        (modulo 2^32)
//     output = acc, or float, or byte: the formulas of gemm_int8/gemm_int8.h with multiplier[c], float_bias[c], low, high, function
//
// a is read as unsigned bytes after the flip (0x80 for signed inputs, whose zero point moves by 128, else 0).
// b is packed for blocks of `channel_block` channels: [channels / channel_block][slots / tap_group][channel_block][tap_group],
// weights of `weight_bytes` (1: int8, only without weight zero points; 2: int16 weight − zero point); bias, multiplier and
// float_bias are [channels / channel_block][channel_block]. Within a block position i belongs to channel `order(i)`; tap t lies in
// slot `slot(kernel_height, kernel_width, t)`. Slots are rounded up to tap_group and channels to channel_block; what no tap or
// channel fills is zero. `channels` may be those of a few neighbouring pixels. Up to 64 bytes after a pixel's channels may be read.
#pragma once

#include <cstdint>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/select.h"

namespace octet::kernels::depthwise_int8 {

using gemm_int8::Output;

struct Block {
  const void* const* a = nullptr;     // per tap, the first pixel's input
  const int64_t* a_steps = nullptr;   // per tap, bytes from one pixel's input to the next one's (0: padding)
  int64_t kernel_height = 0, kernel_width = 0;   // taps are their product, row by row
  int64_t taps = 0, pixels = 0, channels = 0;
  uint8_t flip = 0;
  // For run_rows, instead of a and a_steps: kernel column j of pixel p reads input column first_column + p · stride + j, which may
  // lie outside [0, input_width): padding.
  const void* const* rows = nullptr;  // per kernel row, input column 0; null: a row of padding
  int64_t input_width = 0, first_column = 0, stride = 1;
  int64_t span = 1;                   // pixels that count as one with span times the channels, dense; then first_column is −1
  int64_t column_step = 0;            // bytes from one input column to the next
  uint8_t padding = 0;                // before the flip
  const void* b = nullptr;
  const int32_t* bias = nullptr;
  const float* multiplier = nullptr;
  const float* float_bias = nullptr;  // may be null
  void* c = nullptr;                  // element (p, c) is c[p · c_step + c] in elements of the output
  int64_t c_step = 0;
  Output output = Output::kInt32;
  float low = 0, high = 0;
  int32_t output_zero_point = 0;
  bool bounded = false;               // as in gemm_int8.h
  const epilogue_int8::Function* function = nullptr;
};

struct Kernel {
  int64_t channel_block, tap_group;
  int weight_bytes;
  int64_t (*order)(int64_t position);
  int64_t (*slot)(int64_t kernel_height, int64_t kernel_width, int64_t tap);
  void (*run)(const Block& block);
  // Whole rows, their ends included; null, or for some shapes only (no dilation). `span_channels`: channels of `span` pixels.
  bool (*has_rows)(int64_t kernel_height, int64_t kernel_width, int64_t stride, int64_t span_channels, int64_t span) = nullptr;
  void (*run_rows)(const Block& block) = nullptr;
};

#define OCTET_KERNEL_MANIFEST "kernels/depthwise_int8/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::depthwise_int8
