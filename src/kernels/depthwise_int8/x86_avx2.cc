// 16 channels at a time: bytes of two taps are widened, interleaved and multiplied by vpmaddwd. Weights are 16 bits wide, so any
// zero point goes.
#include <immintrin.h>

#include "kernels/depthwise_int8/depthwise_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_int8 {

namespace {

constexpr int64_t kChannels = 16, kGroup = 2;

// Interleaving works within 128-bit halves: the first vector holds channels 0-3 and 8-11, the second 4-7 and 12-15.
int64_t order(int64_t position) { return position / 8 * 4 + position % 8 / 4 * 8 + position % 4; }

int64_t slot(int64_t, int64_t, int64_t tap) { return tap; }

struct Sums {
  __m256i first, second;
};

// Stores up to 16 values of 4 bytes in the channels' order.
OCTET_INLINE inline void store_words(int32_t* c, const Sums& v, int64_t channels) {
  const __m256i low = _mm256_permute2x128_si256(v.first, v.second, 0x20);
  const __m256i high = _mm256_permute2x128_si256(v.first, v.second, 0x31);
  if (channels >= kChannels) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c), low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c + 8), high);
    return;
  }
  alignas(32) int32_t all[kChannels];
  _mm256_store_si256(reinterpret_cast<__m256i*>(all), low);
  _mm256_store_si256(reinterpret_cast<__m256i*>(all + 8), high);
  for (int64_t i = 0; i < channels; ++i) c[i] = all[i];
}

OCTET_INLINE inline __m256 scale(const Block& block, int64_t at, __m256i acc) {
  const __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(block.multiplier + at));
  return block.float_bias == nullptr ? y : _mm256_add_ps(y, _mm256_loadu_ps(block.float_bias + at));
}

OCTET_INLINE inline Sums quantize(const Block& block, int64_t at, const Sums& v) {
  __m256 y[2] = {scale(block, at, v.first), scale(block, at + 8, v.second)};
  __m256i q[2];
  if (block.function != nullptr) {
    alignas(64) float values[kChannels];
    repeat<2>([&](auto k) OCTET_INLINE { _mm256_store_ps(values + k * 8, y[k]); });
    epilogue_int8::x86_avx2.function(*block.function, block.low, block.high, values, kChannels);
    repeat<2>([&](auto k) OCTET_INLINE { q[k] = _mm256_castps_si256(_mm256_load_ps(values + k * 8)); });
  } else {
    repeat<2>([&](auto k) OCTET_INLINE {
      q[k] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(y[k], _mm256_set1_ps(block.low)), _mm256_set1_ps(block.high)));
    });
  }
  repeat<2>([&](auto k) OCTET_INLINE {
    q[k] = _mm256_and_si256(_mm256_add_epi32(q[k], _mm256_set1_epi32(block.output_zero_point)), _mm256_set1_epi32(0xff));
  });
  return {q[0], q[1]};
}

// NaN stays.
OCTET_INLINE inline __m256i limited(const Block& block, int64_t at, __m256i acc) {
  const __m256 low = _mm256_set1_ps(block.low), high = _mm256_set1_ps(block.high);
  return _mm256_castps_si256(_mm256_min_ps(high, _mm256_max_ps(low, scale(block, at, acc))));
}

OCTET_INLINE inline void finish(const Block& block, int64_t p, int64_t at, const Sums& v) {
  const int64_t channels = block.channels - at, to = p * block.c_step + at;
  if (block.output == Output::kInt32) return store_words(static_cast<int32_t*>(block.c) + to, v, channels);
  if (block.output == Output::kFloat32) {
    const Sums y = {limited(block, at, v.first), limited(block, at + 8, v.second)};
    return store_words(static_cast<int32_t*>(block.c) + to, y, channels);
  }
  // The packing instructions undo the interleaving.
  const Sums q = quantize(block, at, v);
  const __m256i words = _mm256_packus_epi32(q.first, q.second);
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  uint8_t* c = static_cast<uint8_t*>(block.c) + to;
  if (channels >= kChannels) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(c), bytes);
    return;
  }
  alignas(16) uint8_t all[kChannels];
  _mm_store_si128(reinterpret_cast<__m128i*>(all), bytes);
  for (int64_t i = 0; i < channels; ++i) c[i] = all[i];
}

// kPixels pixels from p on, 16 channels from `at` on.
template <int kPixels>
void tile(const Block& block, int64_t p, int64_t at) {
  Sums v[kPixels];
  const __m256i* bias = reinterpret_cast<const __m256i*>(block.bias + at);
  repeat<kPixels>([&](auto i) OCTET_INLINE { v[i] = {_mm256_loadu_si256(bias), _mm256_loadu_si256(bias + 1)}; });
  const int64_t pairs = (block.taps + kGroup - 1) / kGroup;
  const __m256i* b =
      reinterpret_cast<const __m256i*>(static_cast<const int16_t*>(block.b) + at / kChannels * pairs * kChannels * kGroup);
  const __m128i flip = _mm_set1_epi8(static_cast<char>(block.flip));
  for (int64_t t = 0; t < block.taps; t += kGroup, b += 2) {
    // The weight that an odd number of taps leaves over is zero.
    const int64_t other = t + 1 < block.taps ? t + 1 : t;
    const int64_t steps[2] = {block.a_steps[t], block.a_steps[other]};
    const uint8_t* a[2] = {static_cast<const uint8_t*>(block.a[t]) + p * steps[0] + at,
                           static_cast<const uint8_t*>(block.a[other]) + p * steps[1] + at};
    const __m256i first = _mm256_loadu_si256(b), second = _mm256_loadu_si256(b + 1);
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      __m256i x[2];
      repeat<2>([&](auto k) OCTET_INLINE {
        x[k] = _mm256_cvtepu8_epi16(_mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a[k])), flip));
        a[k] += steps[k];
      });
      v[i].first = _mm256_add_epi32(v[i].first, _mm256_madd_epi16(_mm256_unpacklo_epi16(x[0], x[1]), first));
      v[i].second = _mm256_add_epi32(v[i].second, _mm256_madd_epi16(_mm256_unpackhi_epi16(x[0], x[1]), second));
    });
  }
  repeat<kPixels>([&](auto i) OCTET_INLINE { finish(block, p + i, at, v[i]); });
}

void run(const Block& block) {
  for (int64_t at = 0; at < block.channels; at += kChannels) {
    int64_t p = 0;
    for (; p + 4 <= block.pixels; p += 4) tile<4>(block, p, at);
    for (; p < block.pixels; ++p) tile<1>(block, p, at);
  }
}

}  // namespace

const Kernel x86_avx2 = {kChannels, kGroup, 2, order, slot, run};

}  // namespace octet::kernels::depthwise_int8
