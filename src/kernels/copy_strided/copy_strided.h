// Copies a block between two strided tensors: what slice, split, concat, expand and pad are made of. Plain C++: memcpy does the
// work wherever the innermost axis is dense on both sides.
//
// Strides are in elements; those of x may be 0 (expand) or negative (reversed slices; x then points at the first element
// taken). `collapse` drops axes of extent 1 and joins neighbours that both sides walk alike. `copy` and `fill` move rows [begin,
// end) of block.rows(), a row being the innermost axis, in any partition over threads. x and y do not overlap. Any alignment.
#pragma once

#include <cstdint>

namespace octet::kernels::copy_strided {

struct Block {
  static constexpr int kMaxRank = 16;
  int element_bytes = 1;   // 1, 2, 4 or 8
  int rank = 1;            // at least 1
  int64_t extent[kMaxRank] = {1};   // outermost first
  int64_t x_stride[kMaxRank] = {1};
  int64_t y_stride[kMaxRank] = {1};

  int64_t rows() const {
    int64_t n = extent[rank - 1] > 0 ? 1 : 0;
    for (int axis = 0; axis < rank - 1; ++axis) n *= extent[axis];
    return n;
  }
};

Block collapse(const Block& block);

void copy(const Block& block, const void* x, void* y, int64_t begin, int64_t end);

// Every element of the block in y becomes the one at `value`; x_stride is not looked at.
void fill(const Block& block, const void* value, void* y, int64_t begin, int64_t end);

}  // namespace octet::kernels::copy_strided
