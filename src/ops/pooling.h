// What the pools share: shape rules and the loop over windows.
#pragma once

#include <algorithm>

#include "ops/numeric.h"
#include "ops/window.h"

namespace octet::ops {

// Output shape of a windowed pool of input 0 (channels in axis 1, or last); unknown when the rank is.
std::optional<Shape> pool_shape(const InferContext& context, bool channels_last = false);
Geometry pool_geometry(const Node& node, const Shape& x, Shape& y, bool channels_last = false);
// The same for pools over everything but batch and channels.
std::optional<Shape> global_pool_shape(const InferContext& context, bool channels_last = false);

// One window, cut to the input: extents [begin, end) by tap number along each axis, and where tap 0 lies.
struct Taps {
  int64_t begin[3], end[3], start[3];
};
inline Taps window_taps(const Geometry& g, int64_t oz, int64_t oy, int64_t ox) {
  Taps taps;
  int64_t position[3] = {oz, oy, ox};
  for (int axis = 0; axis < 3; ++axis) {
    int64_t start = position[axis] * g.stride[axis] - g.pad[axis], step = g.dilation[axis];
    taps.start[axis] = start;
    taps.begin[axis] = start >= 0 ? 0 : std::min(g.kernel[axis], (-start + step - 1) / step);
    taps.end[axis] = start >= g.in[axis] ? 0 : std::min(g.kernel[axis], (g.in[axis] - 1 - start) / step + 1);
    taps.end[axis] = std::max(taps.begin[axis], taps.end[axis]);
  }
  return taps;
}

// visit(index in the plane, value) for every input element under the window.
template <typename T, typename Visit>
void for_each_tap(const Geometry& g, const Taps& taps, const T* plane, int64_t pixel_stride, Visit&& visit) {
  for (int64_t kz = taps.begin[0]; kz < taps.end[0]; ++kz)
    for (int64_t ky = taps.begin[1]; ky < taps.end[1]; ++ky) {
      int64_t row = ((taps.start[0] + kz * g.dilation[0]) * g.in[1] + taps.start[1] + ky * g.dilation[1]) * g.in[2];
      for (int64_t kx = taps.begin[2]; kx < taps.end[2]; ++kx) {
        int64_t index = row + taps.start[2] + kx * g.dilation[2];
        visit(index, plane[index * pixel_stride]);
      }
    }
}

// How many elements an average divides by: those under the window, with `include_pad` also those in the padding.
inline int64_t average_count(const Geometry& g, const Taps& taps, bool include_pad) {
  int64_t count = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (!include_pad) {
      count *= taps.end[axis] - taps.begin[axis];
      continue;
    }
    // With ceil_mode a window may reach beyond the trailing padding; what lies there does not count.
    int64_t room = g.in[axis] + g.pad_end[axis] - 1 - taps.start[axis];
    count *= std::min(g.kernel[axis], std::max<int64_t>(0, room / g.dilation[axis] + 1));
  }
  return std::max<int64_t>(1, count);
}

// pixel(plane index n·C + c, output index in the plane, first element of the input plane, taps) for all outputs. In memory pixels
// are `pixel_stride` apart: 1 with channels in axis 1, C with channels last.
template <typename Body>
void for_each_window(const Geometry& g, int64_t planes, ThreadPool* pool, Body&& body) {
  parallel(pool, planes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      int64_t output = 0;
      for (int64_t z = 0; z < g.out[0]; ++z)
        for (int64_t y = 0; y < g.out[1]; ++y)
          for (int64_t x = 0; x < g.out[2]; ++x) body(plane, output++, window_taps(g, z, y, x));
    }
  });
}

}  // namespace octet::ops
