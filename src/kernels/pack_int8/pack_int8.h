// The right side of an integer matrix product, brought into the order of gemm_int8's kernels, and sums that go with it. Weights are
// packed once; a product of two activations packs its right side in every run.
//
//   out[g][j][i] = data[(group · g + i) · row_stride + j · column_stride] xor flip          i < group, j < width
//
// 0 where the row or the column lies beyond depth or columns; depth_steps groups altogether. sums[j] += Σ of column j, after the xor.
// filter_3x3: filters of nine taps, a channel's nine bytes side by side.
//
//   out[place[t] + (c / 4 · width + j) · 4 + c % 4] = data[j · column_stride + 9c + t] xor flip     j < width, a multiple of 16
//
// 0 where the channel or the column lies beyond channels or columns, up to the next multiple of 4 channels. sums as above. Null where a
// level has none: kernels/conv/filter_panel.h then does it in plain code.
// row_sums: sums[r] = Σ of the first `count` bytes at rows + r · stride.
// fold_columns: folded[j] = bias[j] − zero_point · sums[j] modulo 2^32; scale_columns: scaled[j] = fl(values[j] · factor). Both run for
// every product whose scale and zero point are found at run time.
// One of row_stride and column_stride should be 1: other layouts take the plain way. Reads nothing beyond its operands; out is 64-byte
// aligned and has no other demands. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::pack_int8 {

struct Panel {
  const uint8_t* data = nullptr;
  int64_t row_stride = 0, column_stride = 1;   // rows count the depth of the product
  int64_t depth = 0, columns = 0;              // what is there
  int64_t depth_steps = 0, width = 0, group = 4;   // what is written
  uint8_t flip = 0;
  int8_t* out = nullptr;
  int32_t* sums = nullptr;
};

struct Filter3x3 {
  const uint8_t* data = nullptr;
  int64_t column_stride = 0, channels = 0, columns = 0;
  int64_t width = 0;
  int64_t place[9] = {};
  uint8_t flip = 0;
  int8_t* out = nullptr;
  int32_t* sums = nullptr;
};

struct Kernel {
  void (*panel)(const Panel& panel);
  void (*filter_3x3)(const Filter3x3& filter);
  void (*row_sums)(const uint8_t* rows, int64_t stride, int64_t row_count, int64_t count, bool is_signed, int32_t* sums);
  void (*fold_columns)(const int32_t* bias, const int32_t* sums, int32_t zero_point, int64_t count, int32_t* folded);
  void (*scale_columns)(const float* values, float factor, int64_t count, float* scaled);
};

void pack_plainly(const Panel& panel);   // the reference's, for shapes that a kernel leaves alone

#define OCTET_KERNEL_MANIFEST "kernels/pack_int8/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::pack_int8
