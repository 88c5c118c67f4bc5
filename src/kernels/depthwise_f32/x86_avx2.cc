// Up to 6 pixels × 16 channels at a time, so that one load of the weights serves several pixels.
#include <immintrin.h>

#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_f32 {

namespace {

constexpr int64_t kLanes = 8, kMostPixels = 6;

// The first `count` of eight lanes.
__m256i first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// kPixels × (kWide · 8) outputs from pixel p, channel c on; with kMasked only the channels in `mask`.
template <int kPixels, int kWide, bool kMasked>
void tile(const Block& block, int64_t p, int64_t c, __m256i mask) {
  auto load = [&](const float* x) OCTET_INLINE { return kMasked ? _mm256_maskload_ps(x, mask) : _mm256_loadu_ps(x); };
  __m256 v[kPixels][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][w] = _mm256_setzero_ps(); });
  });
  const float* b = block.b + c;
  for (int64_t t = 0; t < block.taps; ++t, b += block.b_stride) {
    const int64_t step = block.a_steps[t];
    const float* a = static_cast<const float*>(block.a[t]) + p * step + c;
    __m256 weights[kWide];
    repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = _mm256_loadu_ps(b + w * kLanes); });
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[i][w] = _mm256_fmadd_ps(load(a + w * kLanes), weights[w], v[i][w]); });
      a += step;
    });
  }
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m256 bias = _mm256_loadu_ps(block.bias + c + w * kLanes);
    repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][w] = _mm256_add_ps(v[i][w], bias); });
  });
  const __m256 low = _mm256_set1_ps(block.low), high = _mm256_set1_ps(block.high);
  repeat<kPixels>([&](auto i) OCTET_INLINE {
    const int64_t at = (p + i) * block.c_step + c;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      __m256 y = v[i][w];
      if (block.residual != nullptr) y = _mm256_add_ps(y, load(block.residual + at + w * kLanes));
      // The second operand is the result when either is NaN.
      y = _mm256_min_ps(high, _mm256_max_ps(low, y));
      if constexpr (kMasked) {
        _mm256_maskstore_ps(block.c + at + w * kLanes, mask, y);
      } else {
        _mm256_storeu_ps(block.c + at + w * kLanes, y);
      }
    });
  });
}

using Tile = void (*)(const Block& block, int64_t p, int64_t c, __m256i mask);

// tile<1, ...> ... tile<kMostPixels, ...>
template <int kWide, bool kMasked>
struct Tiles {
  Tile of_pixels[kMostPixels] = {};
  constexpr Tiles() {
    repeat<kMostPixels>([&](auto i) { of_pixels[i] = tile<i + 1, kWide, kMasked>; });
  }
};
constexpr Tiles<1, true> kSome;
constexpr Tiles<1, false> kNarrow;
constexpr Tiles<2, false> kWhole;

void run(const Block& block) {
  int64_t c = 0;
  // A single pixel (at the picture's edge): many channels, or the chain of additions is what one waits for.
  if (block.pixels == 1)
    for (; c + 8 * kLanes <= block.channels; c += 8 * kLanes) tile<1, 8, false>(block, 0, c, _mm256_setzero_si256());
  while (c < block.channels) {
    const int64_t left = block.channels - c;
    const Tile* tiles = left >= 2 * kLanes ? kWhole.of_pixels : left >= kLanes ? kNarrow.of_pixels : kSome.of_pixels;
    const __m256i mask = first_lanes(left);
    for (int64_t p = 0, shares = (block.pixels + kMostPixels - 1) / kMostPixels; shares > 0; --shares) {
      const int64_t pixels = (block.pixels - p + shares - 1) / shares;
      tiles[pixels - 1](block, p, c, mask);
      p += pixels;
    }
    c += left >= 2 * kLanes ? 2 * kLanes : kLanes;
  }
}

}  // namespace

const Kernel x86_avx2 = {run};

}  // namespace octet::kernels::depthwise_f32
