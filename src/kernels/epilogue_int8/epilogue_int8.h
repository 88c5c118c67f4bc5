// What may follow an 8-bit product before its bytes are stored, on values that a kernel holds in a small buffer: a float function,
// or the addition of another 8-bit tensor (a skip connection). The formulas are those of the separate steps, so fusing
// changes no byte:
//
//   function:  q = rhe(clamp(fl(f(v) / scale), low, high)),  NaN gives 0;  f as kernels/unary_f32 defines it
//   residual:  a = rhe(clamp(v, own_low, own_high)),  NaN counts as own_low     the product on its own 8-bit grid
//              q = rhe(clamp(fl(fl(a · own_multiplier) + fl((b − zero_point) · multiplier)), low, high))
//
// low and high are the ends of the output's range minus its zero point, which the caller adds to q. own_low and own_high are the
// same for the product's own grid, own_multiplier is fl(sa / sy), multiplier fl(sb / sy).
//
// `values`: `count` floats, a multiple of 16, 64-byte aligned; each is replaced by its q as int32. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"
#include "kernels/unary_f32/unary_f32.h"

namespace octet::kernels::epilogue_int8 {

struct Function {
  unary_f32::Op op = unary_f32::Op::kRelu;
  unary_f32::Params parameters;
  float scale = 1;              // of the output
};

struct Residual {
  float own_low = 0, own_high = 0;
  float own_multiplier = 1, multiplier = 1;
  int32_t zero_point = 0;       // of b
  bool is_signed = false;       // b
};

struct Kernel {
  void (*function)(const Function& function, float low, float high, float* values, int64_t count);
  // b: `count` bytes.
  void (*residual)(const Residual& residual, float low, float high, float* values, const uint8_t* b, int64_t count);
};

#define OCTET_KERNEL_MANIFEST "kernels/epilogue_int8/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::epilogue_int8
