// 64 channels at a time: the bytes of four taps are interleaved, so that vpdpbusd adds up four products of one channel.
#include <immintrin.h>

#include "kernels/depthwise_int8/depthwise_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_int8 {

namespace {

constexpr int64_t kChannels = 64, kGroup = 4;

// Interleaving works within 128-bit quarters: vector j holds channels 4j ... 4j + 3 of each quarter of 16.
int64_t order(int64_t position) { return position % 16 / 4 * 16 + position / 16 * 4 + position % 4; }

bool is_square(int64_t kernel_height, int64_t kernel_width, int64_t extent) {
  return kernel_height == extent && kernel_width == extent;
}

// The taps of a 3×3 kernel are grouped by columns: when the kernel moves on, columns already interleaved serve again. So are the
// upper four rows of a 5×5 kernel; four taps of its last row make a group, the very last tap one of its own.
int64_t slot(int64_t kernel_height, int64_t kernel_width, int64_t tap) {
  if (is_square(kernel_height, kernel_width, 3)) return tap % 3 * kGroup + tap / 3;
  if (is_square(kernel_height, kernel_width, 5)) return tap < 20 ? tap % 5 * kGroup + tap / 5 : tap;
  return tap;
}

// The tap in a slot; slots without one have zero weights.
int64_t tap_in(const Block& block, int64_t slot) {
  if (is_square(block.kernel_height, block.kernel_width, 3)) return slot % kGroup < 3 ? slot % kGroup * 3 + slot / kGroup : 0;
  if (is_square(block.kernel_height, block.kernel_width, 5) && slot < 20) return slot % kGroup * 5 + slot / kGroup;
  return slot < block.taps ? slot : block.taps - 1;
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
  bool whole;   // 0 ... 255: saturation is all

  OCTET_INLINE explicit Bytes(const Block& block) {
    const int32_t lowest = static_cast<int32_t>(block.low) + block.output_zero_point;
    const int32_t highest = static_cast<int32_t>(block.high) + block.output_zero_point;
    const int32_t shift = lowest < 0 ? 128 : 0;
    zero_point = _mm512_set1_epi16(static_cast<int16_t>(block.output_zero_point + shift));
    minimum = _mm512_set1_epi8(static_cast<char>(lowest + shift));
    maximum = _mm512_set1_epi8(static_cast<char>(highest + shift));
    flip = _mm512_set1_epi8(static_cast<char>(shift));
    whole = lowest == 0 && highest == 255;
  }
  OCTET_INLINE __m512i pack(const Vectors& q) const {
    const __m512i first = _mm512_adds_epi16(_mm512_packs_epi32(q.v[0], q.v[1]), zero_point);
    const __m512i second = _mm512_adds_epi16(_mm512_packs_epi32(q.v[2], q.v[3]), zero_point);
    const __m512i bytes = _mm512_packus_epi16(first, second);
    if (whole) return bytes;
    return _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(bytes, minimum), maximum), flip);
  }
};

// What happens to the sums. With a function a few pixels are collected, so that one call serves them all.
class Finisher {
 public:
  Finisher(const Block& block, int64_t at) : Finisher(block, at, block.channels - at) {}
  // `left` channels from `at` on.
  Finisher(const Block& block, int64_t at, int64_t left)
      : block_(block), bytes_(block), at_(at), left_(left), low_(_mm512_set1_ps(block.low)), high_(_mm512_set1_ps(block.high)) {
    mask_ = left >= kChannels ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
  }

  OCTET_INLINE void operator()(int64_t p, Vectors acc) {
    if (block_.output == Output::kByte && block_.function == nullptr) {
      if (block_.bounded && block_.float_bias == nullptr) {
        repeat<4>([&](auto q) OCTET_INLINE {
          acc.v[q] = _mm512_cvtps_epi32(
              _mm512_mul_ps(_mm512_cvtepi32_ps(acc.v[q]), _mm512_loadu_ps(block_.multiplier + at_ + q * 16)));
        });
      } else {
        repeat<4>([&](auto q) OCTET_INLINE {
          acc.v[q] = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(scale(block_, at_ + q * 16, acc.v[q]), low_), high_));
        });
      }
      _mm512_mask_storeu_epi8(to(p), mask_, bytes_.pack(acc));
      return;
    }
    float* values = values_ + count_ * kChannels;
    repeat<4>([&](auto q) OCTET_INLINE {
      if (block_.output == Output::kInt32) {
        _mm512_store_si512(values + q * 16, acc.v[q]);
      } else {
        _mm512_store_ps(values + q * 16, scale(block_, at_ + q * 16, acc.v[q]));
      }
    });
    pixels_[count_] = p;
    if (++count_ == kMost) flush();
  }

  // To be called at the end.
  __attribute__((noinline)) void flush() {
    if (count_ == 0) return;
    if (block_.function != nullptr)
      epilogue_int8::x86_avx512vnni.function(*block_.function, block_.low, block_.high, values_, count_ * kChannels);
    for (int64_t i = 0; i < count_; ++i) {
      Vectors x;
      repeat<4>([&](auto q) OCTET_INLINE { x.v[q] = _mm512_load_si512(values_ + i * kChannels + q * 16); });
      if (block_.output == Output::kByte) {
        _mm512_mask_storeu_epi8(to(pixels_[i]), mask_, bytes_.pack(x));
        continue;
      }
      if (block_.output == Output::kFloat32)
        repeat<4>([&](auto q) OCTET_INLINE {   // NaN stays
          x.v[q] = _mm512_castps_si512(_mm512_min_ps(high_, _mm512_max_ps(low_, _mm512_castsi512_ps(x.v[q]))));
        });
      store_words(static_cast<int32_t*>(block_.c) + pixels_[i] * block_.c_step + at_, x, left_);
    }
    count_ = 0;
  }

 private:
  static constexpr int64_t kMost = 8;

  OCTET_INLINE uint8_t* to(int64_t p) const { return static_cast<uint8_t*>(block_.c) + p * block_.c_step + at_; }

  const Block& block_;
  const Bytes bytes_;
  const int64_t at_, left_;
  const __m512 low_, high_;
  __mmask64 mask_;
  int64_t count_ = 0;
  int64_t pixels_[kMost];
  alignas(64) float values_[kMost * kChannels];
};

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

// kPixels pixels from p on, 64 channels from `at` on, any kernel.
template <int kPixels>
void tile(const Block& block, int64_t at, int64_t p, Finisher& finish) {
  const int64_t groups = (block.taps + kGroup - 1) / kGroup;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(block.flip));
  Vectors acc[kPixels];
  repeat<kPixels>([&](auto i) OCTET_INLINE { acc[i] = start(block, at); });
  const int8_t* b = static_cast<const int8_t*>(block.b) + at * groups * kGroup;
  for (int64_t s = 0; s < groups * kGroup; s += kGroup, b += kChannels * kGroup) {
    const uint8_t* a[kGroup];
    int64_t steps[kGroup];
    repeat<kGroup>([&](auto k) OCTET_INLINE {
      const int64_t tap = tap_in(block, s + k);
      steps[k] = block.a_steps[tap];
      a[k] = static_cast<const uint8_t*>(block.a[tap]) + p * steps[k] + at;
    });
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      __m512i x[kGroup];
      repeat<kGroup>([&](auto k) OCTET_INLINE {
        x[k] = _mm512_xor_si512(_mm512_loadu_si512(a[k]), flip);
        a[k] += steps[k];
      });
      add(acc[i], interleave(x[0], x[1], x[2], x[3]), b);
    });
  }
  repeat<kPixels>([&](auto i) OCTET_INLINE { finish(p + i, acc[i]); });
}

void run(const Block& block) {
  for (int64_t at = 0; at < block.channels; at += kChannels) {
    Finisher finish(block, at);
    int64_t p = 0;
    for (; p + 4 <= block.pixels; p += 4) tile<4>(block, at, p, finish);
    for (; p < block.pixels; ++p) tile<1>(block, at, p, finish);
    finish.flush();
  }
}

// The input rows under the kernel, 64 channels of them, with padding all around.
template <bool kFlips>
struct Rows {
  const uint8_t* rows[5];
  int64_t steps[5];
  int64_t width;
  __m512i flip, outside;
  alignas(64) uint8_t padding[kChannels];

  Rows(const Block& block, int64_t at) : width(block.input_width), flip(_mm512_set1_epi8(static_cast<char>(block.flip))) {
    const __m512i bytes = _mm512_set1_epi8(static_cast<char>(block.padding));
    _mm512_store_si512(padding, bytes);
    outside = _mm512_xor_si512(bytes, flip);
    for (int64_t i = 0; i < block.kernel_height; ++i) {
      const bool real = block.rows[i] != nullptr;
      rows[i] = real ? static_cast<const uint8_t*>(block.rows[i]) + at : padding;
      steps[i] = real ? block.column_step : 0;
    }
  }
  OCTET_INLINE bool inside(int64_t x) const { return static_cast<uint64_t>(x) < static_cast<uint64_t>(width); }
  OCTET_INLINE __m512i load(int64_t row, int64_t x) const {
    const __m512i bytes = _mm512_loadu_si512(rows[row] + x * steps[row]);
    return kFlips ? _mm512_xor_si512(bytes, flip) : bytes;
  }
  OCTET_INLINE __m512i load_or_padding(int64_t row, int64_t x) const { return inside(x) ? load(row, x) : outside; }
  // Column x of the first three or four rows.
  template <int kRows>
  OCTET_INLINE Vectors column(int64_t x) const {
    const __m512i none = _mm512_setzero_si512();
    if (inside(x)) return interleave(load(0, x), load(1, x), load(2, x), kRows == 4 ? load(3, x) : none);
    return interleave(outside, outside, outside, kRows == 4 ? outside : none);
  }
};

template <int kStride, bool kFlips>
void three(const Block& block, int64_t at, Finisher& finish) {
  const Rows<kFlips> in(block, at);
  const int8_t* b = static_cast<const int8_t*>(block.b) + at * 3 * kGroup;
  int64_t x = block.first_column;
  Vectors left, middle, right = in.template column<3>(x++);
  if constexpr (kStride == 1) middle = right, right = in.template column<3>(x++);
  for (int64_t p = 0; p < block.pixels; ++p) {
    if constexpr (kStride == 1) left = middle, middle = right;
    if constexpr (kStride == 2) left = right, middle = in.template column<3>(x++);
    right = in.template column<3>(x++);
    Vectors acc = start(block, at);
    add(acc, left, b);
    add(acc, middle, b + kChannels * kGroup);
    add(acc, right, b + 2 * kChannels * kGroup);
    finish(p, acc);
  }
}

// kPixels pixels of a 5×5 kernel: each column of the upper four rows is interleaved once for all pixels that it serves.
template <int kStride, int kPixels, bool kFlips>
OCTET_INLINE inline void five_tile(const Block& block, const Rows<kFlips>& in, int64_t at, int64_t p, Finisher& finish) {
  constexpr int kBytes = kChannels * kGroup;
  const int8_t* b = static_cast<const int8_t*>(block.b) + at * 7 * kGroup;
  const int64_t first = block.first_column + p * kStride;
  Vectors acc[kPixels];
  repeat<kPixels>([&](auto i) OCTET_INLINE { acc[i] = start(block, at); });
  repeat<(kPixels - 1) * kStride + 5>([&](auto x) OCTET_INLINE {
    const Vectors column = in.template column<4>(first + x);
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      constexpr int j = x - i * kStride;
      if constexpr (j >= 0 && j < 5) add(acc[i], column, b + j * kBytes);
    });
  });
  repeat<kPixels>([&](auto i) OCTET_INLINE {
    const int64_t x = first + i * kStride;
    add(acc[i], interleave(in.load_or_padding(4, x), in.load_or_padding(4, x + 1), in.load_or_padding(4, x + 2), in.load_or_padding(4, x + 3)),
        b + 5 * kBytes);
  });
  // The last tap of up to four pixels makes a group; each pixel's weight is moved to its place in it.
  __m512i lasts[4];
  repeat<4>([&](auto i) OCTET_INLINE { lasts[i] = in.load_or_padding(4, first + (i < kPixels ? i : 0) * kStride + 4); });
  const Vectors last = interleave(lasts[0], lasts[1], lasts[2], lasts[3]);
  repeat<4>([&](auto q) OCTET_INLINE {
    const __m512i weight = _mm512_loadu_si512(b + 6 * kBytes + q * 64);
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      acc[i].v[q] = _mm512_dpbusd_epi32(acc[i].v[q], last.v[q], _mm512_slli_epi32(weight, 8 * i));
    });
  });
  repeat<kPixels>([&](auto i) OCTET_INLINE { finish(p + i, acc[i]); });
}

template <int kStride, bool kFlips>
void five(const Block& block, int64_t at, Finisher& finish) {
  const Rows<kFlips> in(block, at);
  int64_t p = 0;
  for (; p + 4 <= block.pixels; p += 4) five_tile<kStride, 4>(block, in, at, p, finish);
  if (p + 2 <= block.pixels) five_tile<kStride, 2>(block, in, at, p, finish), p += 2;
  if (p < block.pixels) five_tile<kStride, 1>(block, in, at, p, finish);
}

// 3×3, stride 1, 16 or 32 channels, which leave kSpan pixels side by side in a vector: the columns to the left and right are the
// middle one moved by a pixel, which interleaving leaves whole (a quarter of a vector holds 16 channels).
template <int kSpan, bool kFlips>
void three_narrow(const Block& block) {
  constexpr int kPixel = 16 / kSpan;   // words of a pixel in a vector
  const Rows<kFlips> in(block, 0);
  const int8_t* b = static_cast<const int8_t*>(block.b);
  const int64_t bytes = in.width * block.column_step, spans = (bytes + kChannels - 1) / kChannels;
  // Beyond the end of a row lies padding.
  auto load = [&](int64_t row, int64_t k) OCTET_INLINE {
    const int64_t left = bytes - k * kChannels;
    const __mmask64 real = left >= kChannels ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
    const uint8_t* from = in.rows[row] + (in.steps[row] != 0 ? k * kChannels : 0);
    const __m512i x = _mm512_loadu_si512(from);
    return _mm512_mask_blend_epi8(real, in.outside, kFlips ? _mm512_xor_si512(x, in.flip) : x);
  };
  auto column = [&](int64_t k) OCTET_INLINE {
    const __m512i none = _mm512_setzero_si512();
    if (k >= spans) return interleave(in.outside, in.outside, in.outside, none);
    return interleave(load(0, k), load(1, k), load(2, k), none);
  };
  Vectors before = interleave(in.outside, in.outside, in.outside, _mm512_setzero_si512()), middle = column(0), left, right;
  repeat<4>([&](auto q) OCTET_INLINE { right.v[q] = _mm512_alignr_epi32(middle.v[q], before.v[q], 16 - kPixel); });
  auto walk = [&](int64_t first, int64_t end, Finisher& finish) OCTET_INLINE {
    for (int64_t k = first; k < end; ++k) {
      const Vectors after = column(k + 1);
      repeat<4>([&](auto q) OCTET_INLINE {
        left.v[q] = kSpan == 2 ? right.v[q] : _mm512_alignr_epi32(middle.v[q], before.v[q], 16 - kPixel);
        right.v[q] = _mm512_alignr_epi32(after.v[q], middle.v[q], kPixel);
      });
      Vectors acc = start(block, 0);
      add(acc, left, b);
      add(acc, middle, b + kChannels * kGroup);
      add(acc, right, b + 2 * kChannels * kGroup);
      finish(k, acc);
      before = middle, middle = after;
    }
    finish.flush();
  };
  Finisher whole(block, 0, kChannels);
  walk(0, bytes / kChannels, whole);
  if (bytes % kChannels != 0) {
    Finisher rest(block, 0, bytes % kChannels);
    walk(spans - 1, spans, rest);
  }
}

bool has_rows(int64_t kernel_height, int64_t kernel_width, int64_t stride, int64_t span_channels, int64_t span) {
  const bool is_3x3 = is_square(kernel_height, kernel_width, 3);
  if (span > 1) return is_3x3 && stride == 1 && span_channels == kChannels && (span == 2 || span == 4);
  return (stride == 1 || stride == 2) && (is_3x3 || is_square(kernel_height, kernel_width, 5));
}

template <bool kFlips>
void rows(const Block& block) {
  if (block.span > 1) {
    block.span == 2 ? three_narrow<2, kFlips>(block) : three_narrow<4, kFlips>(block);
    return;
  }
  for (int64_t at = 0; at < block.channels; at += kChannels) {
    Finisher finish(block, at);
    if (block.kernel_width == 3) {
      block.stride == 1 ? three<1, kFlips>(block, at, finish) : three<2, kFlips>(block, at, finish);
    } else {
      block.stride == 1 ? five<1, kFlips>(block, at, finish) : five<2, kFlips>(block, at, finish);
    }
    finish.flush();
  }
}

void run_rows(const Block& block) { block.flip != 0 ? rows<true>(block) : rows<false>(block); }

}  // namespace

const Kernel x86_avx512vnni = {kChannels, kGroup, 1, order, slot, run, has_rows, run_rows};

}  // namespace octet::kernels::depthwise_int8
