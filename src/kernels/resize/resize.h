// Resizing pictures, NHWC: nearest, linear, cubic, with or without antialiasing, by tables per axis that the caller makes once.
//
// An axis table gives each output coordinate `taps` input coordinates (clamped into the picture) and their weights. A pixel is
//   h_i = Σ_j x[row_i][column_j] · wx_j,  v = Σ_i h_i · wy_i
// per channel; every sum starts with the product of its first tap and adds the others by one fma each, in order.
//   f32      y = v
//   bytes    x enters as float(x - x_zero); y = round_half_even(clamp(fl(v · ratio), low - y_zero, high - y_zero)) + y_zero with
//            ratio = float32(x_scale / y_scale)
//   nearest  taps = 1 on both axes: copies pixels of any element size, no arithmetic
// x, y: [images][height][width] pixels of `channels` elements, x_stride and y_stride elements (>= channels) from pixel to
// pixel. A call computes output rows [begin, end), counted over all images. Any alignment; no overlap. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/select.h"

namespace octet::kernels::resize {

struct Axis {
  int64_t in = 1, out = 1;
  int taps = 1;
  const int32_t* index = nullptr;   // [out][taps]
  const float* weight = nullptr;    // [out][taps]
};

struct Geometry {
  Axis height, width;
  int64_t channels = 1, x_stride = 1, y_stride = 1;
};

struct ByteParams {
  float ratio = 1;
  int32_t x_zero = 0, y_zero = 0, low = 0, high = 255;
  bool x_signed = false;
};

struct Kernel {
  void (*f32)(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end);
  void (*bytes)(const Geometry& g, const ByteParams& params, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end);
};

void nearest(const Geometry& g, int element_bytes, const void* x, void* y, int64_t begin, int64_t end);

// --- tables ------------------------------------------------------------------------------------------------------------

enum class Mode : uint8_t { kNearest, kLinear, kCubic };
enum class Coordinates : uint8_t {
  kHalfPixel, kHalfPixelSymmetric, kPytorchHalfPixel, kAlignCorners, kAsymmetric,
  kHalfPixelForNearest,   // tf_half_pixel_for_nn
  kCrop,                  // tf_crop_and_resize
};
enum class Nearest : uint8_t { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };   // ONNX's nearest_mode

struct AxisOptions {
  Mode mode = Mode::kLinear;
  Coordinates coordinates = Coordinates::kHalfPixel;
  Nearest nearest = Nearest::kRoundPreferFloor;
  double scale = 1;            // out / in as the model gives it
  double cubic_a = -0.75;
  bool antialias = false;      // widen the filter when shrinking
  double crop_begin = 0, crop_end = 1;   // kCrop: the part of the axis to show, in its length
  bool exclude_outside = false;   // taps outside weigh nothing and the others are renormalised
};

struct AxisTable {
  int64_t in = 1, out = 1;
  int taps = 1;
  std::vector<int32_t> index;
  std::vector<float> weight;
  Axis view() const { return {in, out, taps, index.data(), weight.data()}; }
};

// Where output coordinate x lies in the input.
double source_coordinate(int64_t x, int64_t in, int64_t out, const AxisOptions& options);

// ONNX's Resize along one axis. Where the axis keeps its size and every output
// falls on an input, one tap remains.
AxisTable make_axis(int64_t in, int64_t out, const AxisOptions& options);

#define OCTET_KERNEL_MANIFEST "kernels/resize/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::resize
