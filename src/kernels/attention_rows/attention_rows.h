// Rows of attention scores to probabilities, in the cache where a matrix product left them.
//
// With x the row's `columns` scores:
//   v_j = x_j,  fl(x_j · factor)  or  fl(x_j / factor);   then  v_j = fl(v_j + addend_j) where there is an addend
//   p_j = softmax(v)_j                                      exactly as kernels/softmax_f32 defines it
//   bytes:  y_j = sat(rhe(fl(p_j / scale)) + zero_point)    as kernels/quantize does; NaN gives the zero point
// so the bits are those of the operators one after the other. `floats` leaves p in x; `bytes` writes y and uses x as it likes.
// sums, where not null, receive Σ y_j of each row, the bytes read as signed if low < 0.
// Any alignment; nothing overlaps. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::attention_rows {

enum class Scaling : uint8_t { kNone, kMultiply, kDivide };

struct Params {
  Scaling scaling = Scaling::kNone;
  float factor = 1;
  const float* addend = nullptr;   // of the first row
  int64_t addend_stride = 0;       // from row to row; 0: one row for all
  // For bytes.
  float scale = 1;
  int32_t zero_point = 0, low = 0, high = 255;
};

struct Kernel {
  void (*floats)(const Params& params, float* x, int64_t rows, int64_t columns, int64_t x_stride);
  void (*bytes)(const Params& params, float* x, uint8_t* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride, int32_t* sums);
};

#define OCTET_KERNEL_MANIFEST "kernels/attention_rows/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::attention_rows
