// How an elementwise operation of two inputs walks them: at most 6 axes, collapsed, the output dense.
#pragma once

#include <cstdint>
#include <span>

namespace octet::kernels {

struct Broadcast {
  static constexpr int kMaxRank = 6;
  int rank = 1;                       // at least 1
  int64_t extent[kMaxRank] = {1};     // outermost first
  int64_t a_stride[kMaxRank] = {0};   // in elements; 0 where the input is repeated
  int64_t b_stride[kMaxRank] = {0};

  int64_t elements() const {
    int64_t n = 1;
    for (int axis = 0; axis < rank; ++axis) n *= extent[axis];
    return n;
  }
};

// Numpy's rule for two dense inputs: neighbouring axes that both inputs walk alike become one. So equal shapes give rank 1
// with strides 1 and 1, a scalar gives stride 0, a vector over the innermost axis gives two axes. False when the shapes do not
// broadcast or more than 6 axes remain.
bool make_broadcast(std::span<const int64_t> a_shape, std::span<const int64_t> b_shape, Broadcast& out);

// Calls body(y, a, b, count) for the runs of the innermost axis that cover elements [begin, end) of the output: offsets in
// elements of the first of `count` neighbours.
template <typename Body>
inline void for_runs(const Broadcast& shape, int64_t begin, int64_t end, Body body) {
  if (begin >= end) return;
  const int last = shape.rank - 1;
  int64_t index[Broadcast::kMaxRank], a = 0, b = 0, rest = begin;
  for (int axis = last; axis >= 0; --axis) {
    index[axis] = rest % shape.extent[axis];
    rest /= shape.extent[axis];
    a += index[axis] * shape.a_stride[axis];
    b += index[axis] * shape.b_stride[axis];
  }
  for (int64_t y = begin; y < end;) {
    int64_t count = shape.extent[last] - index[last];
    if (count > end - y) count = end - y;
    body(y, a, b, count);
    y += count;
    // Step back to the run's first element, then on to the next run.
    a -= index[last] * shape.a_stride[last];
    b -= index[last] * shape.b_stride[last];
    index[last] = 0;
    for (int axis = last - 1; axis >= 0; --axis) {
      a += shape.a_stride[axis];
      b += shape.b_stride[axis];
      if (++index[axis] < shape.extent[axis]) break;
      a -= shape.extent[axis] * shape.a_stride[axis];
      b -= shape.extent[axis] * shape.b_stride[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace octet::kernels
