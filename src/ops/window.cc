#include "ops/window.h"

#include <algorithm>

#include "base/error.h"

namespace octet::ops {

namespace {

// Large enough for every picture, small enough that sums and products of a few stay within 64 bits.
constexpr int64_t kLargest = int64_t{1} << 30;

std::vector<int64_t> read_list(const Attributes& attributes, std::string_view name, size_t count, int64_t fallback, int64_t low) {
  std::span<const int64_t> list = attributes.integers(name);
  if (list.empty()) return std::vector<int64_t>(count, fallback);
  require(list.size() == count, ErrorCode::kInvalidModel, "attribute '", name, "' has ", list.size(), " values where ", count,
          " are needed");
  for (int64_t value : list)
    require(value >= low && value <= kLargest, ErrorCode::kInvalidModel, "attribute '", name, "' holds the impossible value ",
            value);
  return {list.begin(), list.end()};
}

int64_t floor_divide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

}  // namespace

Window read_window(const Attributes& attributes, int rank, std::span<const int64_t> weights) {
  auto count = static_cast<size_t>(rank);
  require(rank >= 1, ErrorCode::kShapeMismatch, "the input has no spatial axis");
  Window window;
  if (weights.empty()) {
    require(!attributes.integers("kernel_shape").empty(), ErrorCode::kInvalidModel, "attribute 'kernel_shape' is missing");
    window.kernel = read_list(attributes, "kernel_shape", count, 1, 1);
  } else {
    window.kernel.assign(weights.begin(), weights.end());
    std::vector<int64_t> given = read_list(attributes, "kernel_shape", count, Shape::kUnknown, 1);
    for (size_t i = 0; i < count; ++i) {
      require(given[i] < 0 || weights[i] < 0 || given[i] == weights[i], ErrorCode::kShapeMismatch, "attribute 'kernel_shape' says ",
              given[i], " where the weights have ", weights[i]);
      if (weights[i] < 0) window.kernel[i] = given[i];
      require(window.kernel[i] != 0, ErrorCode::kShapeMismatch, "the weights have an extent of 0");
    }
  }
  window.strides = read_list(attributes, "strides", count, 1, 1);
  window.dilations = read_list(attributes, "dilations", count, 1, 1);
  window.pads = read_list(attributes, "pads", 2 * count, 0, 0);
  std::string auto_pad = attributes.string("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER") window.auto_pad = AutoPad::kSameUpper;
  else if (auto_pad == "SAME_LOWER") window.auto_pad = AutoPad::kSameLower;
  else if (auto_pad == "VALID") window.auto_pad = AutoPad::kValid;
  else require(auto_pad == "NOTSET" || auto_pad.empty(), ErrorCode::kInvalidModel, "attribute 'auto_pad' is '", auto_pad, "'");
  return window;
}

int64_t window_output(const Window& window, int axis, int64_t extent, bool ceil_mode) {
  auto i = static_cast<size_t>(axis);
  int64_t stride = window.strides[i];
  if (extent < 0) return Shape::kUnknown;
  if (window.auto_pad == AutoPad::kSameUpper || window.auto_pad == AutoPad::kSameLower) return (extent + stride - 1) / stride;
  if (window.kernel[i] < 0) return Shape::kUnknown;
  int64_t begin = 0, end = 0;
  if (window.auto_pad == AutoPad::kNotSet) begin = window.pads[i], end = window.pads[i + window.kernel.size()];
  int64_t room = extent + begin + end - window.span(axis);
  if (ceil_mode) {
    require(room > -stride, ErrorCode::kShapeMismatch, "a window of ", window.span(axis), " does not fit an extent of ", extent);
    int64_t count = (room + stride - 1) / stride + 1;
    // A window that begins in the trailing padding would see nothing.
    if ((count - 1) * stride >= extent + begin) --count;
    require(count >= 0, ErrorCode::kShapeMismatch, "a window of ", window.span(axis), " does not fit an extent of ", extent);
    return count;
  }
  require(room >= 0, ErrorCode::kShapeMismatch, "a window of ", window.span(axis), " does not fit an extent of ", extent,
          " with padding ", begin, " and ", end);
  return room / stride + 1;
}

void resolve_pads(Window& window, std::span<const int64_t> extents) {
  if (window.auto_pad == AutoPad::kNotSet) return;
  size_t rank = window.kernel.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t total = 0;
    if (window.auto_pad != AutoPad::kValid) {
      int64_t out = (extents[i] + window.strides[i] - 1) / window.strides[i];
      total = std::max<int64_t>(0, (out - 1) * window.strides[i] + window.span(static_cast<int>(i)) - extents[i]);
    }
    int64_t begin = window.auto_pad == AutoPad::kSameLower ? total - total / 2 : total / 2;
    window.pads[i] = begin;
    window.pads[i + rank] = total - begin;
  }
  window.auto_pad = AutoPad::kNotSet;
}

Geometry make_geometry(const Window& window, const Shape& input, const Shape& output, int first) {
  int rank = window.rank();
  require(rank <= 3, ErrorCode::kUnsupported, "windows over ", rank, " spatial axes are not supported (up to three are)");
  Geometry geometry;
  for (int axis = 0; axis < rank; ++axis) {
    int to = 3 - rank + axis;
    auto i = static_cast<size_t>(axis);
    geometry.in[to] = input[first + axis];
    geometry.out[to] = output[first + axis];
    geometry.kernel[to] = window.kernel[i];
    geometry.stride[to] = window.strides[i];
    geometry.dilation[to] = window.dilations[i];
    geometry.pad[to] = window.pads[i];
    geometry.pad_end[to] = window.pads[i + static_cast<size_t>(rank)];
  }
  return geometry;
}

Positions valid_positions(const Geometry& g, int axis, int64_t k) {
  int64_t offset = g.pad[axis] - k * g.dilation[axis];   // position o reads o · stride − offset
  int64_t begin = std::max<int64_t>(0, -floor_divide(-offset, g.stride[axis]));
  int64_t end = std::min(g.out[axis], floor_divide(g.in[axis] - 1 + offset, g.stride[axis]) + 1);
  return {begin, std::max(begin, end)};
}

}  // namespace octet::ops
