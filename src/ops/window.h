// The sliding window that convolutions and pools share: attributes, padding rules and output extents.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/operator.h"

namespace octet::ops {

enum class AutoPad : uint8_t { kNotSet, kSameUpper, kSameLower, kValid };

struct Window {
  std::vector<int64_t> kernel, strides, dilations;   // one entry per spatial axis; kernel extents may be unknown
  std::vector<int64_t> pads;                         // all begins, then all ends
  AutoPad auto_pad = AutoPad::kNotSet;

  int rank() const { return static_cast<int>(kernel.size()); }
  // Input elements one window spans along an axis.
  int64_t span(int axis) const {
    auto i = static_cast<size_t>(axis);
    return (kernel[i] - 1) * dilations[i] + 1;
  }
};

// Reads and checks kernel_shape, strides, dilations, pads and auto_pad for `rank` spatial axes. `weights` gives the kernel's
// extents where the operator has weights (empty: the attribute is required). Throws Error.
Window read_window(const Attributes& attributes, int rank, std::span<const int64_t> weights);

// How often the window fits; unknown where the extent is. With auto_pad the pads are ignored. `ceil_mode` allows a last window
// that begins inside the input or its leading padding but ends outside. Throws Error when it does not fit once.
int64_t window_output(const Window& window, int axis, int64_t extent, bool ceil_mode);

// Replaces auto_pad by the pads it stands for.
void resolve_pads(Window& window, std::span<const int64_t> extents);

// A window over up to three spatial axes with everything known, innermost axis last; missing axes in front have extent 1.
struct Geometry {
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, pad[3] = {0, 0, 0}, pad_end[3] = {0, 0, 0};
  int64_t input_size() const { return in[0] * in[1] * in[2]; }
  int64_t output_size() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// `input` and `output` are whole shapes with `first` axes in front of the spatial ones. Throws Error beyond three axes.
Geometry make_geometry(const Window& window, const Shape& input, const Shape& output, int first = 2);

// The output positions [begin, end) along an axis whose tap `k` lies inside the input.
struct Positions { int64_t begin, end; };
Positions valid_positions(const Geometry& geometry, int axis, int64_t k);

}  // namespace octet::ops
