// Packing of 8-bit convolution filters into panels of columns: see gemm_int8/gemm_int8.h for the order they end in.
#pragma once

#include <cstdint>

#include "kernels/pack_int8/pack_int8.h"

namespace octet::kernels {

// Element e of tap t of a column is the weight at offsets[t · channels + e] of it, or zero where that is negative.
struct FilterPanel {
  int64_t taps = 0, channels = 0, padded_channels = 0;   // as the kernel sees them
  int64_t k_group = 0;
  uint8_t flip = 0;                    // 0x80: the weights are unsigned
  int64_t output_stride = 0;           // from one column to the next
  const int64_t* offsets = nullptr;
  int64_t dense = 0;                   // a column's weights, when they are the first so many bytes of it, in any order; else 0
  const pack_int8::Kernel* kernel = &pack_int8::reference;   // which may know a faster way
};

// One panel, [taps][padded_channels / k_group][width][k_group], of `columns` ≤ width columns; its bytes beyond them and beyond the
// channels are zero. Adds every column's sum to sums[0 .. columns).
void pack_filter_panel(const FilterPanel& panel, const int8_t* weights, int64_t columns, int64_t width, int8_t* out, int32_t* sums);

}  // namespace octet::kernels
