// Max and average pooling over NHWC tensors, float and 8-bit.
//
// x: [images][in_height][in_width] pixels of `channels` elements, x_stride elements from pixel to pixel; y likewise with
// out_height, out_width, y_stride (strides >= channels, so that y may be a slice of a wider concatenated tensor). Tap (i, j) of
// output (oh, ow) reads pixel (oh·stride_height - pad_top + i·dilation_height, ow·stride_width - pad_left + j·dilation_width)
// where that lies inside the picture. A call computes output rows [begin, end), counted over all images: row = n·out_height + oh.
// Any alignment; no overlap. Pure, thread-safe.
//
//   max_f32      m = -infinity, then for the taps in order m = x > m ? x : m (NaN is passed over)
//   max_8        the same on bytes read as signed or unsigned; no tap inside gives the type's least value
//   average_f32  taps summed in order (rows, then columns) starting from 0, divided by count
//   average_8    exact int32 sum of (x - x_zero) over the taps inside;
//                y = round_half_even(clamp(fl(float(sum) · m), low - y_zero, high - y_zero)) + y_zero,
//                m = float32(x_scale / float32(y_scale · float(count)))
//   count        taps inside the picture; with count_include_pad, taps inside the padded picture, whose lower right pads are
//                pad_bottom and pad_right (a last window that ceil_mode lets hang over the padding counts what it covers)
//   global_*     average over all `pixels` of one image, for channels [begin, end): pixels summed in order, count = pixels
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::pool {

struct Geometry {
  int64_t in_height = 1, in_width = 1, out_height = 1, out_width = 1;
  int64_t channels = 1, x_stride = 1, y_stride = 1;
  int64_t kernel_height = 1, kernel_width = 1, stride_height = 1, stride_width = 1, dilation_height = 1, dilation_width = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool count_include_pad = false;
};

struct AverageParams {
  float x_scale = 1, y_scale = 1;
  int32_t x_zero = 0, y_zero = 0;
  int32_t low = 0, high = 255;   // quantized range of y
  bool x_signed = false;
};

struct Kernel {
  void (*max_f32)(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end);
  void (*average_f32)(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end);
  void (*max_8)(const Geometry& g, bool is_signed, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end);
  void (*average_8)(const Geometry& g, const AverageParams& params, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end);
  void (*global_average_f32)(const float* x, int64_t pixels, int64_t x_stride, float* y, int64_t begin, int64_t end);
  void (*global_average_8)(const AverageParams& params, const uint8_t* x, int64_t pixels, int64_t x_stride, uint8_t* y,
                           int64_t begin, int64_t end);
};

// The taps of one output coordinate along one axis: first..last (exclusive) lie inside, `counted` enter the divisor.
struct Taps { int64_t first, last, counted; };
inline Taps taps_of(int64_t out, int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad, int64_t pad_end, bool include_pad) {
  const int64_t origin = out * stride - pad;
  auto below = [&](int64_t limit) {   // how many taps lie below `limit`
    if (limit <= origin) return int64_t{0};
    int64_t n = (limit - origin + dilation - 1) / dilation;
    return n < kernel ? n : kernel;
  };
  int64_t first = below(0), last = below(in);
  return {first, last, include_pad ? below(in + pad_end) : last - first};
}

#define OCTET_KERNEL_MANIFEST "kernels/pool/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::pool
