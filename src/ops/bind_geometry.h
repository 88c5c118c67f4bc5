// From ONNX nodes to the geometry that kernels take.
#pragma once

#include "kernels/conv/conv_shape.h"
#include "ops/convolution.h"

namespace octet::ops {

// One or two spatial axes, batch and channels around them: what the kernels work on.
inline bool is_planar(const Node& node, size_t x) {
  const Value* value = node.input(x);
  return value != nullptr && value->has_concrete_shape() && (value->shape->rank() == 3 || value->shape->rank() == 4);
}

inline bool is_constant_or_absent(const Node& node, size_t i) { return node.input(i) == nullptr || node.inputs[i]->is_constant(); }

inline kernels::ConvShape kernel_shape(const Convolution& c) {
  const Geometry& g = c.geometry;
  kernels::ConvShape s;
  s.batch = c.batch;
  s.input_height = g.in[1], s.input_width = g.in[2], s.input_channels = c.inputs;
  s.output_height = g.out[1], s.output_width = g.out[2], s.output_channels = c.outputs;
  s.kernel_height = g.kernel[1], s.kernel_width = g.kernel[2];
  s.stride_height = g.stride[1], s.stride_width = g.stride[2];
  s.dilation_height = g.dilation[1], s.dilation_width = g.dilation[2];
  s.pad_top = g.pad[1], s.pad_left = g.pad[2];
  s.groups = c.groups;
  return s;
}

// A transposed convolution's geometry runs from output to input: exchange them.
inline kernels::ConvShape kernel_shape_of_transpose(const Node& node, const Shape& x, const Shape& w) {
  kernels::ConvShape s = kernel_shape(conv_transpose_geometry(node, x, w));
  std::swap(s.input_height, s.output_height);
  std::swap(s.input_width, s.output_width);
  return s;
}

// Scratch is handed out per worker, each piece on a cache line of its own.
inline int64_t per_worker(size_t bytes) { return static_cast<int64_t>((bytes + 63) / 64 * 64); }

}  // namespace octet::ops
