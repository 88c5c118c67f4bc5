// Loops over several tensors that share a space of indices but lie differently in memory.
#pragma once

#include <array>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "ops/dispatch.h"

namespace octet::ops {

// Row-major strides in elements.
inline std::vector<int64_t> dense_strides(const Shape& shape) {
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()));
  int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = stride;
    stride *= shape[axis] > 0 ? shape[axis] : 1;
  }
  return strides;
}

// A nest of loops over N operands. Axes are added outermost first; neighbours that every operand walks without a gap become one, and
// axes of extent 1 vanish. Plain data: a step can keep it among its parameters.
template <int N>
struct StridedLoop {
  static constexpr int kMaxAxes = 12;
  int axes = 0;
  int64_t extents[kMaxAxes] = {};
  int64_t strides[N][kMaxAxes] = {};
  bool empty = false;

  void add_axis(int64_t extent, const std::array<int64_t, N>& stride) {
    if (extent == 0) empty = true;
    if (extent == 1) return;
    if (axes > 0) {
      bool joins = true;
      for (int i = 0; i < N; ++i) joins &= strides[i][axes - 1] == stride[static_cast<size_t>(i)] * extent;
      if (joins) {
        extents[axes - 1] *= extent;
        for (int i = 0; i < N; ++i) strides[i][axes - 1] = stride[static_cast<size_t>(i)];
        return;
      }
    }
    require(axes < kMaxAxes, ErrorCode::kUnsupported, "more than ", kMaxAxes, " axes cannot be walked");
    extents[axes] = extent;
    for (int i = 0; i < N; ++i) strides[i][axes] = stride[static_cast<size_t>(i)];
    ++axes;
  }

  // The innermost axis; rows are everything else.
  int64_t inner() const { return empty ? 0 : axes == 0 ? 1 : extents[axes - 1]; }
  int64_t inner_stride(int operand) const { return axes == 0 ? 1 : strides[operand][axes - 1]; }
  int64_t rows() const {
    if (empty) return 0;
    int64_t rows = 1;
    for (int axis = 0; axis + 1 < axes; ++axis) rows *= extents[axis];
    return rows;
  }

  // row(offsets) for rows [begin, end): where the row starts in each operand, in elements.
  template <typename Row>
  void run(int64_t begin, int64_t end, Row&& row) const {
    int64_t index[kMaxAxes] = {}, offsets[N] = {};
    int64_t rest = begin;
    for (int axis = axes - 2; axis >= 0; --axis) {
      index[axis] = rest % extents[axis];
      rest /= extents[axis];
      for (int i = 0; i < N; ++i) offsets[i] += index[axis] * strides[i][axis];
    }
    for (int64_t r = begin; r < end; ++r) {
      row(static_cast<const int64_t(&)[N]>(offsets));
      for (int axis = axes - 2; axis >= 0; --axis) {
        for (int i = 0; i < N; ++i) offsets[i] += strides[i][axis];
        if (++index[axis] < extents[axis]) break;
        for (int i = 0; i < N; ++i) offsets[i] -= index[axis] * strides[i][axis];
        index[axis] = 0;
      }
    }
  }
};

// destination[Σ i·destination_strides] = source[Σ i·source_strides] for every index i of `extents`. Strides are in elements and may
// be zero or negative in the source; both pointers are those of index 0.
inline void strided_copy(DType dtype, const Shape& extents, const void* source, std::span<const int64_t> source_strides,
                         void* destination, std::span<const int64_t> destination_strides, ThreadPool* pool) {
  StridedLoop<2> loop;
  for (int axis = 0; axis < extents.rank(); ++axis)
    loop.add_axis(extents[axis], {source_strides[static_cast<size_t>(axis)], destination_strides[static_cast<size_t>(axis)]});
  dispatch_size(dtype, [&]<typename T>() {
    const int64_t inner = loop.inner(), from_stride = loop.inner_stride(0), to_stride = loop.inner_stride(1);
    parallel_ranges(pool, loop.rows(), inner, [&](int64_t begin, int64_t end) {
      loop.run(begin, end, [&](const int64_t(&offsets)[2]) {
        const T* from = static_cast<const T*>(source) + offsets[0];
        T* to = static_cast<T*>(destination) + offsets[1];
        if (from_stride == 1 && to_stride == 1) std::memcpy(to, from, static_cast<size_t>(inner) * sizeof(T));
        else
          for (int64_t i = 0; i < inner; ++i) to[i * to_stride] = from[i * from_stride];
      });
    });
  });
}

// Axis i of the result is axis permutation[i] of the source.
inline void transpose_copy(DType dtype, const Shape& source_shape, std::span<const int> permutation, const void* source,
                           void* destination, ThreadPool* pool) {
  std::vector<int64_t> dense = dense_strides(source_shape), strides;
  Shape shape;
  for (int axis : permutation) {
    shape.push_back(source_shape[axis]);
    strides.push_back(dense[static_cast<size_t>(axis)]);
  }
  strided_copy(dtype, shape, source, strides, destination, dense_strides(shape), pool);
}

}  // namespace octet::ops
