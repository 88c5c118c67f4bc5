// The inner part of float matrix products and convolutions: a block of output rows × output columns.
//
//     v = 0;  for t in taps, c in channels (in this order):  v = fma(a[t][i][c], b[t][c][j], v)
//             after every `run` products:  sum = v the first time, sum + v later;  v = 0
//     v = sum + v                              if there is a sum;  v = v + bias[j]
//     v = v + residual[i][j]                      if there is a residual
//     v = low > v ? low : v;  v = high < v ? high : v      (NaN passes through)
//     c[i][j] = v
//
// Vectorised across columns only, so all levels give the same bits. Runs, and the bias last, because each addition loses half a unit
// of what has been added up so far: one chain from the bias on has two to three times the error of what other engines do.
// Padding taps point to a row of zeros and are multiplied like any other.
//
// b is packed in panels of `nr` columns; the last panel is as wide as the columns left, rounded up to `n_step`. The panel
// that begins at column j (a multiple of nr) begins at b + j · taps · channels and is laid out [taps · channels][width].
// Columns beyond n have weight and bias zero. No alignment is required; nothing is read beyond what is described, nothing
// written beyond column n. c may equal residual; other overlaps of c with the inputs are not allowed.
// Callers use conv/conv_f32.h, which packs and cuts the work into blocks.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::gemm_f32 {

// Products added up before they join the sum. Short runs cost a tenth of the speed and leave half the error; networks of few channels,
// most of whose products are this short, magnify it through a hundred layers (YOLOX-Nano: 1,000 times).
inline constexpr int64_t kLongRun = 128, kShortRun = 16;
constexpr int64_t run_length(int64_t depth) { return depth <= 256 ? kShortRun : kLongRun; }

struct Block {
  const void* const* a = nullptr;     // input pixels: row i of tap t is a[t · a_rows + i], `channels` floats
  int64_t a_rows = 0;                 // ≥ m
  int64_t taps = 0, channels = 0;
  int64_t run = kLongRun;
  int64_t m = 0, n = 0;
  const float* b = nullptr;           // packed, from the first column of this block (a multiple of nr) on
  const float* b_end = nullptr;       // end of the panels that follow, which are fetched ahead; or null
  const float* bias = nullptr;        // n rounded up to n_step
  float* c = nullptr;                 // element (i, j) is c[c_offsets[i] + j]
  const int64_t* c_offsets = nullptr;
  const float* residual = nullptr;    // null, or addressed as c
  float low = 0, high = 0;
};

struct Kernel {
  int64_t m_step;   // blocks of a multiple of this many rows waste nothing
  int64_t nr, n_step;
  void (*run)(const Block& block);
  bool fetches_ahead = false;   // so that weights may come from behind the second-level cache
};

#define OCTET_KERNEL_MANIFEST "kernels/gemm_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::gemm_f32
