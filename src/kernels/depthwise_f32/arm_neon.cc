// Up to 4 pixels × 8 channels at a time, so that one load of the weights serves several pixels.
#include <arm_neon.h>

#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_f32 {

namespace {

constexpr int64_t kLanes = 4, kMostPixels = 4;

// kPixels × (kWide · 4) outputs from pixel p, channel c on.
template <int kPixels, int kWide>
void tile(const Block& block, int64_t p, int64_t c) {
  float32x4_t v[kPixels][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][w] = vdupq_n_f32(0); });
  });
  const float* b = block.b + c;
  for (int64_t t = 0; t < block.taps; ++t, b += block.b_stride) {
    const int64_t step = block.a_steps[t];
    const float* a = static_cast<const float*>(block.a[t]) + p * step + c;
    float32x4_t weights[kWide];
    repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = vld1q_f32(b + w * kLanes); });
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[i][w] = vfmaq_f32(v[i][w], vld1q_f32(a + w * kLanes), weights[w]); });
      a += step;
    });
  }
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const float32x4_t bias = vld1q_f32(block.bias + c + w * kLanes);
    repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][w] = vaddq_f32(v[i][w], bias); });
  });
  const float32x4_t low = vdupq_n_f32(block.low), high = vdupq_n_f32(block.high);
  repeat<kPixels>([&](auto i) OCTET_INLINE {
    const int64_t at = (p + i) * block.c_step + c;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      float32x4_t y = v[i][w];
      if (block.residual != nullptr) y = vaddq_f32(y, vld1q_f32(block.residual + at + w * kLanes));
      // Comparisons and selections rather than fmax and fmin: those order -0 before +0, other machines do not.
      y = vbslq_f32(vcgtq_f32(low, y), low, y);
      vst1q_f32(block.c + at + w * kLanes, vbslq_f32(vcltq_f32(high, y), high, y));
    });
  });
}

void one(const Block& block, int64_t p, int64_t c) {
  float v = 0;
  for (int64_t t = 0; t < block.taps; ++t)
    v = __builtin_fmaf(static_cast<const float*>(block.a[t])[p * block.a_steps[t] + c], block.b[t * block.b_stride + c], v);
  v = v + block.bias[c];
  const int64_t at = p * block.c_step + c;
  if (block.residual != nullptr) v = v + block.residual[at];
  v = block.low > v ? block.low : v;
  block.c[at] = block.high < v ? block.high : v;
}

using Tile = void (*)(const Block& block, int64_t p, int64_t c);

// tile<1, kWide> ... tile<kMostPixels, kWide>
template <int kWide>
struct Tiles {
  Tile of_pixels[kMostPixels] = {};
  constexpr Tiles() {
    repeat<kMostPixels>([&](auto i) { of_pixels[i] = tile<i + 1, kWide>; });
  }
};
constexpr Tiles<1> kNarrow;
constexpr Tiles<2> kWhole;

void run(const Block& block) {
  int64_t c = 0;
  while (block.channels - c >= kLanes) {
    const bool whole = block.channels - c >= 2 * kLanes;
    const Tile* tiles = whole ? kWhole.of_pixels : kNarrow.of_pixels;
    for (int64_t p = 0, shares = (block.pixels + kMostPixels - 1) / kMostPixels; shares > 0; --shares) {
      const int64_t pixels = (block.pixels - p + shares - 1) / shares;
      tiles[pixels - 1](block, p, c);
      p += pixels;
    }
    c += whole ? 2 * kLanes : kLanes;
  }
  for (; c < block.channels; ++c)
    for (int64_t p = 0; p < block.pixels; ++p) one(block, p, c);
}

}  // namespace

const Kernel arm_neon = {run};

}  // namespace octet::kernels::depthwise_f32
