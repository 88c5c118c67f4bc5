#include "kernels/resize/resize.h"

#include "kernels/round.h"

namespace octet::kernels::resize {

// One channel of one output pixel; read(element offset) gives an input as float.
template <typename Read>
static float blend(const Geometry& g, int64_t image, int64_t oh, int64_t ow, int64_t channel, Read read) {
  float v = 0;
  for (int i = 0; i < g.height.taps; ++i) {
    const int64_t row = (image * g.height.in + g.height.index[oh * g.height.taps + i]) * g.width.in;
    float h = 0;
    for (int j = 0; j < g.width.taps; ++j) {
      const float value = read((row + g.width.index[ow * g.width.taps + j]) * g.x_stride + channel), weight = g.width.weight[ow * g.width.taps + j];
      h = j == 0 ? value * weight : __builtin_fmaf(value, weight, h);
    }
    const float weight = g.height.weight[oh * g.height.taps + i];
    v = i == 0 ? h * weight : __builtin_fmaf(h, weight, v);
  }
  return v;
}

static void f32(const Geometry& g, const float* x, float* y, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t ow = 0; ow < g.width.out; ++ow)
      for (int64_t c = 0; c < g.channels; ++c)
        y[(row * g.width.out + ow) * g.y_stride + c] =
            blend(g, row / g.height.out, row % g.height.out, ow, c, [&](int64_t at) { return x[at]; });
}

static void bytes(const Geometry& g, const ByteParams& p, const uint8_t* x, uint8_t* y, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t ow = 0; ow < g.width.out; ++ow)
      for (int64_t c = 0; c < g.channels; ++c) {
        float v = blend(g, row / g.height.out, row % g.height.out, ow, c,
                        [&](int64_t at) { return static_cast<float>(byte_value(x[at], p.x_signed) - p.x_zero); });
        y[(row * g.width.out + ow) * g.y_stride + c] = requantize(v * p.ratio, p.y_zero, p.low, p.high);
      }
}

const Kernel reference = {f32, bytes};

}  // namespace octet::kernels::resize
