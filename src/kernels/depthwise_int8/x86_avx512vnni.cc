// 64 channels at a time: the bytes of four taps are interleaved, so that vpdpbusd adds up four products of one channel.
#include <immintrin.h>

#include "kernels/depthwise_int8/depthwise_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_int8 {

namespace {

constexpr int64_t kChannels = 64, kGroup = 4;

// Interleaving works within 128-bit quarters: vector j holds channels 4j ... 4j + 3 of each quarter of 16.
int64_t order(int64_t position) { return position % 16 / 4 * 16 + position / 16 * 4 + position % 4; }

// The taps of a 3×3 kernel are grouped by columns: when the kernel moves on, columns already interleaved serve again.
bool is_3x3(int64_t kernel_height, int64_t kernel_width) { return kernel_height == 3 && kernel_width == 3; }

int64_t slot(int64_t kernel_height, int64_t kernel_width, int64_t tap) {
  return is_3x3(kernel_height, kernel_width) ? tap % 3 * kGroup + tap / 3 : tap;
}

struct Vectors {
  __m512i v[4];
};

OCTET_INLINE inline Vectors interleave(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
  return {{_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
           _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)}};
}

OCTET_INLINE inline __m512 scale(const Block& block, int64_t at, __m512i acc) {
  const __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(block.multiplier + at));
  return block.float_bias == nullptr ? y : _mm512_add_ps(y, _mm512_loadu_ps(block.float_bias + at));
}

// Stores 4-byte values in the channels' order.
OCTET_INLINE inline void store_words(int32_t* c, const Vectors& x, int64_t channels) {
  const __m512i a = _mm512_shuffle_i32x4(x.v[0], x.v[1], 0x44), b = _mm512_shuffle_i32x4(x.v[0], x.v[1], 0xee);
  const __m512i d = _mm512_shuffle_i32x4(x.v[2], x.v[3], 0x44), e = _mm512_shuffle_i32x4(x.v[2], x.v[3], 0xee);
  const __m512i ordered[4] = {_mm512_shuffle_i32x4(a, d, 0x88), _mm512_shuffle_i32x4(a, d, 0xdd),
                              _mm512_shuffle_i32x4(b, e, 0x88), _mm512_shuffle_i32x4(b, e, 0xdd)};
  repeat<4>([&](auto q) OCTET_INLINE {
    const int64_t left = channels - q * 16;
    const __mmask16 mask = left >= 16 ? 0xffff : left <= 0 ? 0 : static_cast<__mmask16>((1u << left) - 1);
    _mm512_mask_storeu_epi32(c + q * 16, mask, ordered[q]);
  });
}

// Four vectors of int32 to 64 bytes: saturates to 16 bits, adds the zero point, saturates to unsigned bytes and clamps; the
// packing instructions undo the interleaving. Signed outputs take the same way 128 higher and have their top bit flipped.
struct Bytes {
  __m512i zero_point, minimum, maximum, flip;

  OCTET_INLINE explicit Bytes(const Block& block) {
    const int32_t lowest = static_cast<int32_t>(block.low) + block.output_zero_point;
    const int32_t highest = static_cast<int32_t>(block.high) + block.output_zero_point;
    const int32_t shift = lowest < 0 ? 128 : 0;
    zero_point = _mm512_set1_epi16(static_cast<int16_t>(block.output_zero_point + shift));
    minimum = _mm512_set1_epi8(static_cast<char>(lowest + shift));
    maximum = _mm512_set1_epi8(static_cast<char>(highest + shift));
    flip = _mm512_set1_epi8(static_cast<char>(shift));
  }
  OCTET_INLINE __m512i pack(const Vectors& q) const {
    const __m512i first = _mm512_adds_epi16(_mm512_packs_epi32(q.v[0], q.v[1]), zero_point);
    const __m512i second = _mm512_adds_epi16(_mm512_packs_epi32(q.v[2], q.v[3]), zero_point);
    const __m512i bytes = _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(first, second), minimum), maximum);
    return _mm512_xor_si512(bytes, flip);
  }
};

OCTET_INLINE inline void finish(const Block& block, const Bytes& bytes, int64_t p, int64_t at, __mmask64 mask, Vectors acc) {
  const int64_t to = p * block.c_step + at;
  if (block.output == Output::kInt32) return store_words(static_cast<int32_t*>(block.c) + to, acc, block.channels - at);
  if (block.output == Output::kFloat32) {
    const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
    repeat<4>([&](auto q) OCTET_INLINE {   // NaN stays
      acc.v[q] = _mm512_castps_si512(_mm512_min_ps(high, _mm512_max_ps(low, scale(block, at + q * 16, acc.v[q]))));
    });
    return store_words(static_cast<int32_t*>(block.c) + to, acc, block.channels - at);
  }
  if (block.function != nullptr) {
    alignas(64) float values[kChannels];
    repeat<4>([&](auto q) OCTET_INLINE { _mm512_store_ps(values + q * 16, scale(block, at + q * 16, acc.v[q])); });
    epilogue_int8::x86_avx512vnni.function(*block.function, block.low, block.high, values, kChannels);
    repeat<4>([&](auto q) OCTET_INLINE { acc.v[q] = _mm512_load_si512(values + q * 16); });
  } else if (block.bounded && block.float_bias == nullptr) {
    repeat<4>([&](auto q) OCTET_INLINE {
      acc.v[q] = _mm512_cvtps_epi32(
          _mm512_mul_ps(_mm512_cvtepi32_ps(acc.v[q]), _mm512_loadu_ps(block.multiplier + at + q * 16)));
    });
  } else {
    const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
    repeat<4>([&](auto q) OCTET_INLINE {
      acc.v[q] = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(scale(block, at + q * 16, acc.v[q]), low), high));
    });
  }
  _mm512_mask_storeu_epi8(static_cast<uint8_t*>(block.c) + to, mask, bytes.pack(acc));
}

OCTET_INLINE inline __m512i load(const Block& block, int64_t tap, int64_t p, int64_t at, __m512i flip) {
  const uint8_t* a = static_cast<const uint8_t*>(block.a[tap]) + p * block.a_steps[tap] + at;
  return _mm512_xor_si512(_mm512_loadu_si512(a), flip);
}

// Adds four taps of 64 channels.
OCTET_INLINE inline void add(Vectors& acc, const Vectors& taps, const int8_t* b) {
  repeat<4>([&](auto q) OCTET_INLINE {
    acc.v[q] = _mm512_dpbusd_epi32(acc.v[q], taps.v[q], _mm512_loadu_si512(b + q * 64));
  });
}

OCTET_INLINE inline Vectors start(const Block& block, int64_t at) {
  Vectors acc;
  repeat<4>([&](auto q) OCTET_INLINE { acc.v[q] = _mm512_loadu_si512(block.bias + at + q * 16); });
  return acc;
}

void any(const Block& block, int64_t at, __mmask64 mask) {
  const int64_t groups = (block.taps + kGroup - 1) / kGroup;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(block.flip));
  const Bytes bytes(block);
  for (int64_t p = 0; p < block.pixels; ++p) {
    Vectors acc = start(block, at);
    const int8_t* b = static_cast<const int8_t*>(block.b) + at * groups * kGroup;
    for (int64_t t = 0; t < block.taps; t += kGroup, b += kChannels * kGroup) {
      __m512i x[kGroup];
      repeat<kGroup>([&](auto k) OCTET_INLINE {
        // Weights of taps beyond the last are zero: any tap serves.
        x[k] = load(block, t + k < block.taps ? t + k : t, p, at, flip);
      });
      add(acc, interleave(x[0], x[1], x[2], x[3]), b);
    }
    finish(block, bytes, p, at, mask, acc);
  }
}

// 3×3, the kernel moving on by kSlide columns (0: columns are not shared).
template <int kSlide>
void three(const Block& block, int64_t at, __mmask64 mask) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(block.flip));
  const int8_t* b = static_cast<const int8_t*>(block.b) + at * 3 * kGroup;
  const Bytes bytes(block);
  auto column = [&](int64_t j, int64_t p) OCTET_INLINE {
    return interleave(load(block, j, p, at, flip), load(block, 3 + j, p, at, flip), load(block, 6 + j, p, at, flip),
                      _mm512_setzero_si512());
  };
  Vectors left, middle, right;
  if constexpr (kSlide >= 1) {
    right = column(0, 0);
    if constexpr (kSlide == 1) middle = right, right = column(1, 0);
  }
  for (int64_t p = 0; p < block.pixels; ++p) {
    if constexpr (kSlide == 1) left = middle, middle = right;
    if constexpr (kSlide == 2) left = right, middle = column(1, p);
    if constexpr (kSlide == 0) left = column(0, p), middle = column(1, p);
    right = column(2, p);
    Vectors acc = start(block, at);
    add(acc, left, b);
    add(acc, middle, b + kChannels * kGroup);
    add(acc, right, b + 2 * kChannels * kGroup);
    finish(block, bytes, p, at, mask, acc);
  }
}

void run(const Block& block) {
  for (int64_t at = 0; at < block.channels; at += kChannels) {
    const int64_t left = block.channels - at;
    const __mmask64 mask = left >= kChannels ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    if (!is_3x3(block.kernel_height, block.kernel_width)) {
      any(block, at, mask);
    } else if (block.pixels > 1 && block.slide == 1) {
      three<1>(block, at, mask);
    } else if (block.pixels > 1 && block.slide == 2) {
      three<2>(block, at, mask);
    } else {
      three<0>(block, at, mask);
    }
  }
}

}  // namespace

const Kernel x86_avx512vnni = {kChannels, kGroup, 1, order, slot, run};

}  // namespace octet::kernels::depthwise_int8
