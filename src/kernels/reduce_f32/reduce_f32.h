// Reductions of floats over the rows or down the columns of [rows][columns].
//
//   kSum Σx, kMean Σx / n, kSumOfSquares Σx² (one fma per element), kNorm1 Σ|x|, kNorm2 √Σx² (fma), kProduct Πx,
//   kMax from -infinity and kMin from +infinity (NaN if any element is NaN; a zero comes out as +0),
//   kLogSumExp m + log Σexp(x - m), m the largest (0 where that is infinite)
// rows:    y[r] = over the elements x[r·stride + c]; lane l of 16 takes c ≡ l (mod 16) in order, then lanes l+8, l+4, l+2, l+1.
// columns: y[c] = over x[r·stride + c], r in order.
// Nothing to reduce gives 0, NaN (mean), 1 (product) or the starting infinity (kLogSumExp: -infinity). Any alignment; no overlap. Pure, thread-safe: pass
// shifted pointers for a range of rows (or columns).
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::reduce_f32 {

enum class Op : uint8_t { kSum, kMean, kSumOfSquares, kNorm1, kNorm2, kProduct, kMax, kMin, kLogSumExp };
constexpr int kOps = static_cast<int>(Op::kLogSumExp) + 1;

struct Kernel {
  void (*rows)(Op op, const float* x, float* y, int64_t rows, int64_t columns, int64_t stride);
  void (*columns)(Op op, const float* x, float* y, int64_t rows, int64_t columns, int64_t stride);
};

#define OCTET_KERNEL_MANIFEST "kernels/reduce_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::reduce_f32
