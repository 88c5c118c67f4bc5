// Up to 6 pixels × 32 channels at a time, so that one load of the weights serves several pixels.
#include <immintrin.h>

#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_f32 {

namespace {

constexpr int64_t kLanes = 16, kMostPixels = 6;

// kPixels × (kWide · 16) outputs from pixel p, channel c on; `mask` is that of the last vector.
template <int kPixels, int kWide>
void tile(const Block& block, int64_t p, int64_t c, __mmask16 mask) {
  __m512 v[kPixels][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][w] = _mm512_setzero_ps(); });
  });
  const float* b = block.b + c;
  for (int64_t t = 0; t < block.taps; ++t, b += block.b_stride) {
    const int64_t step = block.a_steps[t];
    const float* a = static_cast<const float*>(block.a[t]) + p * step + c;
    __m512 weights[kWide];
    repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = _mm512_loadu_ps(b + w * kLanes); });
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        const float* x = a + w * kLanes;
        v[i][w] = _mm512_fmadd_ps(w + 1 == kWide ? _mm512_maskz_loadu_ps(mask, x) : _mm512_loadu_ps(x), weights[w], v[i][w]);
      });
      a += step;
    });
  }
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m512 bias = _mm512_loadu_ps(block.bias + c + w * kLanes);
    repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][w] = _mm512_add_ps(v[i][w], bias); });
  });
  const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
  repeat<kPixels>([&](auto i) OCTET_INLINE {
    const int64_t at = (p + i) * block.c_step + c;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const __mmask16 some = w + 1 == kWide ? mask : static_cast<__mmask16>(0xffff);
      __m512 y = v[i][w];
      if (block.residual != nullptr)
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(some, block.residual + at + w * kLanes));
      // The second operand is the result when either is NaN.
      y = _mm512_min_ps(high, _mm512_max_ps(low, y));
      _mm512_mask_storeu_ps(block.c + at + w * kLanes, some, y);
    });
  });
}

using Tile = void (*)(const Block& block, int64_t p, int64_t c, __mmask16 mask);

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
  constexpr __mmask16 kAll = 0xffff;
  int64_t c = 0;
  // A single pixel (at the picture's edge): many channels, or the chain of additions is what one waits for.
  if (block.pixels == 1)
    for (; c + 8 * kLanes <= block.channels; c += 8 * kLanes) tile<1, 8>(block, 0, c, kAll);
  while (c < block.channels) {
    const int64_t left = block.channels - c;
    const bool whole = left > kLanes;
    const int64_t last = whole ? left - kLanes : left;   // channels of the last vector
    const __mmask16 mask = last >= kLanes ? kAll : static_cast<__mmask16>((1u << last) - 1);
    const Tile* tiles = whole ? kWhole.of_pixels : kNarrow.of_pixels;
    for (int64_t p = 0, shares = (block.pixels + kMostPixels - 1) / kMostPixels; shares > 0; --shares) {
      const int64_t pixels = (block.pixels - p + shares - 1) / shares;
      tiles[pixels - 1](block, p, c, mask);
      p += pixels;
    }
    c += whole ? 2 * kLanes : kLanes;
  }
}

}  // namespace

const Kernel x86_avx512vnni = {run};

}  // namespace octet::kernels::depthwise_f32
