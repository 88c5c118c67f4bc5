// The attributes of Resize and Upsample, read once.
#pragma once

#include <string>

#include "kernels/resize/resize.h"
#include "ops/axes.h"

namespace octet::ops {

struct ResizeOptions {
  kernels::resize::AxisOptions axis;   // without the scale
  bool modern = true;        // Resize 11 and newer
};

inline ResizeOptions resize_options(const Node& node) {
  using namespace kernels::resize;   // NOLINT
  ResizeOptions options;
  const Attributes& a = node.attributes;
  options.modern = node.op->name == "Resize" && node.version >= 11;
  std::string mode = a.string("mode", "nearest");
  if (mode == "nearest") options.axis.mode = Mode::kNearest;
  else if (mode == "linear" || mode == "bilinear") options.axis.mode = Mode::kLinear;
  else if (mode == "cubic") options.axis.mode = Mode::kCubic;
  else fail(ErrorCode::kInvalidModel, "there is no resize mode '", mode, "'");
  if (!options.modern) {
    // Upsample and Resize 10: pixels keep their corners.
    options.axis.coordinates = Coordinates::kAsymmetric;
    options.axis.nearest = Nearest::kFloor;
    return options;
  }
  std::string coordinates = a.string("coordinate_transformation_mode", "half_pixel");
  if (coordinates == "half_pixel") options.axis.coordinates = Coordinates::kHalfPixel;
  else if (coordinates == "half_pixel_symmetric") options.axis.coordinates = Coordinates::kHalfPixelSymmetric;
  else if (coordinates == "pytorch_half_pixel") options.axis.coordinates = Coordinates::kPytorchHalfPixel;
  else if (coordinates == "align_corners") options.axis.coordinates = Coordinates::kAlignCorners;
  else if (coordinates == "asymmetric") options.axis.coordinates = Coordinates::kAsymmetric;
  else if (coordinates == "tf_half_pixel_for_nn") options.axis.coordinates = Coordinates::kHalfPixelForNearest;
  else if (coordinates == "tf_crop_and_resize") options.axis.coordinates = Coordinates::kCrop;
  else fail(ErrorCode::kInvalidModel, "there is no coordinate transformation '", coordinates, "'");
  std::string nearest = a.string("nearest_mode", "round_prefer_floor");
  if (nearest == "round_prefer_floor") options.axis.nearest = Nearest::kRoundPreferFloor;
  else if (nearest == "round_prefer_ceil") options.axis.nearest = Nearest::kRoundPreferCeil;
  else if (nearest == "floor") options.axis.nearest = Nearest::kFloor;
  else if (nearest == "ceil") options.axis.nearest = Nearest::kCeil;
  else fail(ErrorCode::kInvalidModel, "there is no nearest mode '", nearest, "'");
  options.axis.cubic_a = static_cast<double>(a.real("cubic_coeff_a", -0.75f));
  options.axis.antialias = a.integer("antialias", 0) != 0;
  options.axis.exclude_outside = a.integer("exclude_outside", 0) != 0 && options.axis.mode == Mode::kCubic;
  return options;
}

// For one axis: shrinking before opset 11 took the next pixel, enlarging the one before.
inline kernels::resize::AxisOptions resize_axis_options(const ResizeOptions& options, double scale) {
  kernels::resize::AxisOptions axis = options.axis;
  axis.scale = scale;
  if (!options.modern && scale < 1) axis.nearest = kernels::resize::Nearest::kCeil;
  return axis;
}

}  // namespace octet::ops
