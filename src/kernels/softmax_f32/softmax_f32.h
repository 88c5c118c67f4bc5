// Softmax and its logarithm.
//
//   m = largest of the row, starting from -infinity, NaN passed over, a zero taken as +0
//   e_i = exp(x_i - m)                                      (kernels/math.h)
//   s = Σ e_i: lane l of 16 adds the elements i ≡ l (mod 16) in order starting from 0, then lane l adds lane l+8, l+4, l+2, l+1
//   softmax: y_i = e_i · (1 / s), one division per row;  log_softmax: y_i = (x_i - m) - log(s)
// `columns` softmax runs down the columns of [rows][columns]: the same per column, s added in the order of the rows.
// A row of -infinity gives NaN. Any alignment; y may be x with equal strides, other overlaps are not allowed.
// A call computes rows [0, rows) (or columns [0, columns)): pass shifted pointers for a range. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::softmax_f32 {

struct Kernel {
  void (*softmax)(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride);
  void (*log_softmax)(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride);
  // For an axis that is not the innermost: element (k, j) at x[k·x_stride + j], normalised over k.
  void (*softmax_columns)(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride);
  void (*log_softmax_columns)(const float* x, float* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride);
};

#define OCTET_KERNEL_MANIFEST "kernels/softmax_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::softmax_f32
