// What all convolutions share: shape rules and the plain loops of their reference evaluations.
#pragma once

#include "ops/numeric.h"
#include "ops/window.h"

namespace octet::ops {

// Output shape of Conv for input `x` and weights `w` (inputs of the node by index) with the rank known; checks everything.
// Unknown when a rank is unknown.
std::optional<Shape> conv_shape(const InferContext& context, size_t x, size_t w);
// The same for ConvTranspose.
std::optional<Shape> conv_transpose_shape(const InferContext& context, size_t x, size_t w);

// What an evaluation needs, all concrete and checked.
struct Convolution {
  Geometry geometry;
  int64_t batch = 1, inputs = 1, outputs = 1, groups = 1;   // channels of all groups together
  Shape output;
};
Convolution conv_geometry(const Node& node, const Shape& x, const Shape& w);
// In the geometry of a transposed convolution `in` is the output's extent and `out` the input's: it scatters along the same paths.
Convolution conv_transpose_geometry(const Node& node, const Shape& x, const Shape& w);

int64_t conv_macs(const Node& node, size_t x, size_t w, size_t y);
int64_t conv_transpose_macs(const Node& node, size_t x, size_t w);

// Activation that a fused operator applies: attributes `activation` and `activation_params` (or activation_alpha, ...).
struct Activation {
  enum class Kind : uint8_t { kNone, kRelu, kClip, kLeakyRelu, kSigmoid, kTanh, kHardSigmoid } kind = Kind::kNone;
  float alpha = 0, beta = 0;
  bool is_clamp() const { return kind == Kind::kNone || kind == Kind::kRelu || kind == Kind::kClip; }
  float low() const;     // of a clamp
  float high() const;
  float operator()(float x) const;
};
Activation read_activation(const Attributes& attributes);

// y[o] += Σ over taps of w · x[o · stride + tap · dilation − pad]: one input channel to one output channel.
template <typename T>
void correlate_plane(const Geometry& g, const T* x, const T* w, T* y) {
  for (int64_t kz = 0; kz < g.kernel[0]; ++kz) {
    Positions zs = valid_positions(g, 0, kz);
    for (int64_t ky = 0; ky < g.kernel[1]; ++ky) {
      Positions ys = valid_positions(g, 1, ky);
      for (int64_t kx = 0; kx < g.kernel[2]; ++kx) {
        Positions xs = valid_positions(g, 2, kx);
        T weight = w[(kz * g.kernel[1] + ky) * g.kernel[2] + kx];
        for (int64_t oz = zs.begin; oz < zs.end; ++oz) {
          int64_t iz = oz * g.stride[0] + kz * g.dilation[0] - g.pad[0];
          for (int64_t oy = ys.begin; oy < ys.end; ++oy) {
            int64_t iy = oy * g.stride[1] + ky * g.dilation[1] - g.pad[1];
            const T* from = x + (iz * g.in[1] + iy) * g.in[2];
            int64_t shift = kx * g.dilation[2] - g.pad[2];
            T* to = y + (oz * g.out[1] + oy) * g.out[2];
            if (g.stride[2] == 1) {
              for (int64_t ox = xs.begin; ox < xs.end; ++ox) to[ox] += weight * from[ox + shift];
            } else {
              for (int64_t ox = xs.begin; ox < xs.end; ++ox) to[ox] += weight * from[ox * g.stride[2] + shift];
            }
          }
        }
      }
    }
  }
}

// The adjoint: x[o · stride + tap · dilation − pad] += Σ over taps of w · y[o].
template <typename T>
void scatter_plane(const Geometry& g, const T* y, const T* w, T* x) {
  for (int64_t kz = 0; kz < g.kernel[0]; ++kz) {
    Positions zs = valid_positions(g, 0, kz);
    for (int64_t ky = 0; ky < g.kernel[1]; ++ky) {
      Positions ys = valid_positions(g, 1, ky);
      for (int64_t kx = 0; kx < g.kernel[2]; ++kx) {
        Positions xs = valid_positions(g, 2, kx);
        T weight = w[(kz * g.kernel[1] + ky) * g.kernel[2] + kx];
        for (int64_t oz = zs.begin; oz < zs.end; ++oz) {
          int64_t iz = oz * g.stride[0] + kz * g.dilation[0] - g.pad[0];
          for (int64_t oy = ys.begin; oy < ys.end; ++oy) {
            int64_t iy = oy * g.stride[1] + ky * g.dilation[1] - g.pad[1];
            T* to = x + (iz * g.in[1] + iy) * g.in[2];
            int64_t shift = kx * g.dilation[2] - g.pad[2];
            const T* from = y + (oz * g.out[1] + oy) * g.out[2];
            for (int64_t ox = xs.begin; ox < xs.end; ++ox) to[ox * g.stride[2] + shift] += weight * from[ox];
          }
        }
      }
    }
  }
}

// All planes. finish(batch, output channel, plane) is called with each finished plane of `y`; bias (may be null) is its start.
// T is float, double, or uint32_t for integers modulo 2^32 whose zero points were subtracted before.
template <typename T, typename Finish>
void convolve(const Convolution& c, bool transposed, const T* x, const T* w, const T* bias, T* y, ThreadPool* pool, Finish finish) {
  int64_t group_inputs = c.inputs / c.groups, group_outputs = c.outputs / c.groups, taps = c.geometry.taps();
  int64_t input_size = transposed ? c.geometry.output_size() : c.geometry.input_size();
  int64_t output_size = transposed ? c.geometry.input_size() : c.geometry.output_size();
  parallel(pool, c.batch * c.outputs, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      int64_t n = task / c.outputs, output = task % c.outputs, group = output / group_outputs;
      T* plane = y + task * output_size;
      for (int64_t i = 0; i < output_size; ++i) plane[i] = bias != nullptr ? bias[output] : T(0);
      for (int64_t k = 0; k < group_inputs; ++k) {
        int64_t input = group * group_inputs + k;
        const T* from = x + (n * c.inputs + input) * input_size;
        if (transposed) scatter_plane(c.geometry, from, w + (input * group_outputs + output % group_outputs) * taps, plane);
        else correlate_plane(c.geometry, from, w + (output * group_inputs + k) * taps, plane);
      }
      finish(n, output, plane, output_size);
    }
  });
}

}  // namespace octet::ops
