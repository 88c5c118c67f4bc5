// Transposing dense tensors of 1, 2, 4 or 8-byte elements with any permutation of up to 8 axes.
//
// `make_plan` collapses the axes that stay together; `run` then moves units [begin, end) of plan.units, in any partition over
// threads. Where a run of neighbours stays a run it copies rows; otherwise it walks 2-D tiles through the kernel, so that both
// sides are read and written in runs. Any alignment; x and y do not overlap. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/select.h"

namespace octet::kernels::transpose {

struct Kernel {
  // y[c·y_stride + r] = x[r·x_stride + c] for r in [0, rows), c in [0, columns); strides in elements.
  void (*tile)(int element_bytes, const void* x, int64_t x_stride, void* y, int64_t y_stride, int64_t rows, int64_t columns);
};

struct Plan {
  static constexpr int kMaxRank = 8;
  static constexpr int64_t kTileColumns = 64;   // input neighbours of one unit
  int element_bytes = 1;
  int rank = 0;                   // collapsed; the axes below are the output's, outermost first
  int64_t extent[kMaxRank] = {};
  int64_t x_stride[kMaxRank] = {};
  int64_t y_stride[kMaxRank] = {};
  int contiguous = -1;            // the axis along which x runs; rank - 1 when rows are copied
  int64_t units = 0;
};

// output axis i is input axis permutation[i]. False when there are more than 8 axes left or the element size is another one.
bool make_plan(std::span<const int64_t> input_shape, std::span<const int64_t> permutation, int element_bytes, Plan& plan);

void run(const Kernel& kernel, const Plan& plan, const void* x, void* y, int64_t begin, int64_t end);

#define OCTET_KERNEL_MANIFEST "kernels/transpose/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::transpose
