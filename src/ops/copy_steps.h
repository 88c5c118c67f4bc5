// Steps that move elements without looking at them: what Concat, Split, Slice, Pad, Expand, Transpose and the like bind to.
#pragma once

#include <vector>

#include "graph/operator.h"
#include "ops/broadcast.h"

namespace octet::ops {

// A list of strided blocks to copy (or fill) between the inputs and outputs of a node.
class CopyList {
 public:
  explicit CopyList(BindContext& context) : context_(context) {}

  // A block of `extents` from input `input` to output `output`; strides and offsets in elements, by axis.
  void copy(size_t input, size_t output, const Shape& extents, std::span<const int64_t> x_strides, int64_t x_offset,
            std::span<const int64_t> y_strides, int64_t y_offset);
  // The same block of output 0 becomes the fill value.
  void fill(const Shape& extents, std::span<const int64_t> y_strides, int64_t y_offset);
  void set_fill_value(const void* value, int element_bytes);
  // False when the elements have no whole number of bytes or there are too many blocks: nothing is bound then.
  bool bind();

 private:
  struct Piece;
  void add(int input, int output, const Shape& extents, std::span<const int64_t> x_strides, int64_t x_offset,
           std::span<const int64_t> y_strides, int64_t y_offset);

  BindContext& context_;
  std::vector<std::byte> pieces_;
  int count_ = 0;
  bool possible_ = true;
  uint64_t fill_value_ = 0;
};

// Output axis i is axis permutation[i] of input 0 read as the dense `shape`.
bool bind_transpose(BindContext& context, std::span<const int64_t> shape, std::span<const int64_t> permutation);

// For operators that address axes by their strides: any layout will do once everything but the data is constant.
LayoutSupport agnostic_with_constants(const Node& node);

}  // namespace octet::ops
