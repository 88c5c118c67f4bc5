// y = a op b between 8-bit affine tensors with broadcasting, DESIGN's numeric contract:
//
//   kAdd:       v = fl(fl(float(a - a_zero)·a_multiplier) + fl(float(b - b_zero)·b_multiplier)),
//               a_multiplier = float32(a_scale / y_scale), b_multiplier = float32(b_scale / y_scale)
//   kSubtract:  the same with a minus
//   kMultiply:  v = fl(float((a - a_zero)·(b - b_zero)) · a_multiplier),  a_multiplier = float32(float32(a_scale·b_scale) / y_scale)
//   y = round_half_even(clamp(v, low - y_zero, high - y_zero)) + y_zero
//
// low and high are quantized values: the type's range, narrower when a Relu or Clip is fused. No fma anywhere.
// Tensors are bytes; *_signed says how to read them. `shape`, ranges, alignment and aliasing as in kernels/binary_f32.
#pragma once

#include <cstdint>

#include "kernels/broadcast.h"
#include "kernels/select.h"

namespace octet::kernels::binary_int8 {

enum class Op : uint8_t { kAdd, kSubtract, kMultiply };

struct Params {
  float a_multiplier = 1, b_multiplier = 1;
  int32_t a_zero = 0, b_zero = 0, y_zero = 0;
  int32_t low = 0, high = 255;
  bool a_signed = false, b_signed = false;
};

struct Kernel {
  void (*run)(Op op, const Params& params, const Broadcast& shape, const uint8_t* a, const uint8_t* b, uint8_t* y,
              int64_t begin, int64_t end);
};

#define OCTET_KERNEL_MANIFEST "kernels/binary_int8/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::binary_int8
