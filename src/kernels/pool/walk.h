// The walk over outputs and windows that every pooling kernel shares.
#pragma once

#include "kernels/pool/pool.h"

namespace octet::kernels::pool {
namespace {

// The part of one output pixel's window that lies inside the picture.
struct Window {
  int64_t x;                 // element offset of its first tap
  int64_t rows, columns;     // taps
  int64_t row_step, column_step;   // elements between them
  int64_t count;             // the divisor
};

// Calls body(y element offset, window) for each output pixel of rows [begin, end).
template <typename Body>
inline void for_windows(const Geometry& g, int64_t begin, int64_t end, Body body) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t image = row / g.out_height, oh = row % g.out_height;
    Taps v = taps_of(oh, g.in_height, g.kernel_height, g.stride_height, g.dilation_height, g.pad_top, g.pad_bottom, g.count_include_pad);
    for (int64_t ow = 0; ow < g.out_width; ++ow) {
      Taps h = taps_of(ow, g.in_width, g.kernel_width, g.stride_width, g.dilation_width, g.pad_left, g.pad_right, g.count_include_pad);
      Window w;
      w.rows = v.last > v.first ? v.last - v.first : 0;
      w.columns = h.last > h.first ? h.last - h.first : 0;
      const int64_t top = oh * g.stride_height - g.pad_top + v.first * g.dilation_height;
      const int64_t left = ow * g.stride_width - g.pad_left + h.first * g.dilation_width;
      w.x = ((image * g.in_height + top) * g.in_width + left) * g.x_stride;
      w.row_step = g.dilation_height * g.in_width * g.x_stride;
      w.column_step = g.dilation_width * g.x_stride;
      w.count = v.counted * h.counted;
      body((row * g.out_width + ow) * g.y_stride, w);
    }
  }
}

inline float average_multiplier(const AverageParams& p, int64_t count) {
  return p.x_scale / (p.y_scale * static_cast<float>(count));
}

}  // namespace
}  // namespace octet::kernels::pool
