// y = clamp(a op b) over floats with broadcasting.
//
// `shape` (kernels/broadcast.h) says how a and b are walked; y is dense. A call computes elements [begin, end) of y, so any
// partition of [0, shape.elements()) over threads gives the same bits. Any alignment; y may be the same memory as an input
// that is walked densely like y itself, other overlaps are not allowed. Pure, thread-safe.
//
//   kAdd a + b, kSubtract a - b, kMultiply a·b, kDivide a / b
//   kMin, kMax: NaN if either is NaN; equal values (zeros of either sign) give b
//   kPrelu: a < 0 ? a·b : a
// The result is then clamped: v < low ? low : v > high ? high : v (NaN stays; the default leaves everything as it is).
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/broadcast.h"
#include "kernels/select.h"

namespace octet::kernels::binary_f32 {

enum class Op : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kMin, kMax, kPrelu };
constexpr int kOps = static_cast<int>(Op::kPrelu) + 1;

struct Params {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

struct Kernel {
  void (*run)(Op op, const Params& params, const Broadcast& shape, const float* a, const float* b, float* y, int64_t begin,
              int64_t end);
};

#define OCTET_KERNEL_MANIFEST "kernels/binary_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::binary_f32
