// The smallest and the largest of `count` floats, NaN left out: for the scale of dynamic quantization.
//
// Nothing but NaN, or nothing at all, gives min = +infinity and max = -infinity, so that partial results combine by min and
// max in any order. A zero comes out as +0. Any alignment. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::minmax_f32 {

struct Kernel {
  void (*run)(const float* x, int64_t count, float* min, float* max);
};

#define OCTET_KERNEL_MANIFEST "kernels/minmax_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::minmax_f32
