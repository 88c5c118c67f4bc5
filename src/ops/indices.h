// Tensors of indices, checked before anything is moved.
#pragma once

#include <vector>

#include "ops/dispatch.h"

namespace octet::ops {

// Every index in [-extent, extent) as one in [0, extent); Error otherwise.
inline std::vector<int64_t> checked_indices(const Tensor& indices, int64_t extent) {
  std::vector<int64_t> positions = integers_of(indices);
  for (int64_t& index : positions) {
    require(index >= -extent && index < extent, ErrorCode::kShapeMismatch, "index ", index, " is outside of an extent of ", extent);
    if (index < 0) index += extent;
  }
  return positions;
}

// The tuples in the last axis of `indices`, as GatherND and ScatterND read them: tuple t addresses the slice of `slice` elements
// that is number offsets[t] in `data`.
struct IndexTuples {
  int64_t slice;
  std::vector<int64_t> offsets;

  // The shapes must have been checked against each other; batch axes are shared by data and indices.
  IndexTuples(const Shape& data, const Tensor& indices, int batch_axes) {
    const Shape& shape = indices.shape();
    int depth = static_cast<int>(shape[shape.rank() - 1]);
    slice = data.elements(batch_axes + depth, data.rank());
    int64_t count = shape.elements(0, shape.rank() - 1), batches = shape.elements(0, batch_axes);
    std::vector<int64_t> values = integers_of(indices);
    offsets.resize(static_cast<size_t>(count));
    for (int64_t t = 0; t < count; ++t) {
      int64_t offset = batches > 0 ? t / (count / batches) : 0;
      for (int i = 0; i < depth; ++i) {
        int64_t extent = data[batch_axes + i], index = values[static_cast<size_t>(t * depth + i)];
        require(index >= -extent && index < extent, ErrorCode::kShapeMismatch, "index ", index, " is outside of an extent of ", extent);
        offset = offset * extent + (index < 0 ? index + extent : index);
      }
      offsets[static_cast<size_t>(t)] = offset;
    }
  }
};

}  // namespace octet::ops
