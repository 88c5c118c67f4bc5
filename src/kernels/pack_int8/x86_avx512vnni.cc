#include <immintrin.h>

#include "kernels/pack_int8/pack_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::pack_int8 {

namespace {

constexpr int64_t kLanes = 16, kGroup = 4, kAtOnce = 64;

OCTET_INLINE inline __mmask64 first_bytes(int64_t count) { return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1; }
OCTET_INLINE inline __mmask16 first_lanes(int64_t count) { return count >= kLanes ? __mmask16(0xffff) : static_cast<__mmask16>((1u << count) - 1); }

// Sixteen columns whose bytes lie side by side in rows: four rows are interleaved.
void interleave(const Panel& p, int64_t j) {
  const int64_t columns = p.columns - j < kLanes ? p.columns - j : kLanes, step = p.width * kGroup;
  const __mmask16 mask = first_lanes(columns);
  const __m128i flip = _mm_maskz_mov_epi8(mask, _mm_set1_epi8(static_cast<char>(p.flip)));
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sums = _mm512_setzero_si512();
  int8_t* out = p.out + j * kGroup;
  const uint8_t* in = p.data + j;
  int64_t k = 0;
  auto row = [&](int64_t i) OCTET_INLINE {
    return k + i < p.depth ? _mm_xor_si128(_mm_maskz_loadu_epi8(mask, in + (k + i) * p.row_stride), flip) : _mm_setzero_si128();
  };
  for (int64_t group = 0; group < p.depth_steps; ++group, k += kGroup, out += step) {
    if (k >= p.depth) {
      _mm512_storeu_si512(out, _mm512_setzero_si512());
      continue;
    }
    const __m128i a = row(0), b = row(1), c = row(2), d = row(3);
    const __m128i ab = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b), cd = _mm_unpacklo_epi8(c, d), cd_high = _mm_unpackhi_epi8(c, d);
    __m512i four = _mm512_castsi128_si512(_mm_unpacklo_epi16(ab, cd));
    four = _mm512_inserti32x4(four, _mm_unpackhi_epi16(ab, cd), 1);
    four = _mm512_inserti32x4(four, _mm_unpacklo_epi16(ab_high, cd_high), 2);
    four = _mm512_inserti32x4(four, _mm_unpackhi_epi16(ab_high, cd_high), 3);
    sums = _mm512_dpbusd_epi32(sums, ones, four);
    _mm512_storeu_si512(out, four);
  }
  _mm512_mask_storeu_epi32(p.sums + j, mask, _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, p.sums + j), sums));
}

// 16 × 16 words, rows to columns.
OCTET_INLINE inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // r[4q + c]: 128-bit lane l holds column 4l + c of the rows 4q to 4q + 3.
  for (int c = 0; c < 4; ++c) {
    const __m512i low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88), high = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
    const __m512i low2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88), high2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
    t[c] = _mm512_shuffle_i32x4(low, low2, 0x88);
    t[8 + c] = _mm512_shuffle_i32x4(low, low2, 0xdd);
    t[4 + c] = _mm512_shuffle_i32x4(high, high2, 0x88);
    t[12 + c] = _mm512_shuffle_i32x4(high, high2, 0xdd);
  }
  for (int i = 0; i < 16; ++i) r[i] = t[i];
}

// Sixteen columns each of whose bytes lie side by side.
void transpose_columns(const Panel& p, int64_t j) {
  const int64_t columns = p.columns - j < kLanes ? p.columns - j : kLanes, step = p.width * kGroup;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(p.flip)), ones = _mm512_set1_epi8(1);
  __m512i sums = _mm512_setzero_si512();
  int8_t* out = p.out + j * kGroup;
  const uint8_t* in = p.data + j * p.column_stride;
  for (int64_t group = 0; group < p.depth_steps; group += kLanes) {
    const int64_t groups = p.depth_steps - group < kLanes ? p.depth_steps - group : kLanes;
    const int64_t k = group * kGroup, real = p.depth - k < 0 ? 0 : p.depth - k < kAtOnce ? p.depth - k : kAtOnce;
    const __mmask64 mask = first_bytes(real);
    __m512i words[16];
    for (int64_t c = 0; c < 16; ++c)
      words[c] = c < columns ? _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, in + c * p.column_stride + k), flip))
                             : _mm512_setzero_si512();
    transpose(words);
    for (int64_t g = 0; g < 16; ++g) {
      sums = _mm512_dpbusd_epi32(sums, ones, words[g]);
      if (g < groups) _mm512_storeu_si512(out + (group + g) * step, words[g]);
    }
  }
  const __mmask16 mask = first_lanes(columns);
  _mm512_mask_storeu_epi32(p.sums + j, mask, _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, p.sums + j), sums));
}

void panel(const Panel& p) {
  const bool rows = p.column_stride == 1, columns = p.row_stride == 1;
  if (p.group != kGroup || p.width % kLanes != 0 || (!rows && !columns)) return pack_plainly(p);
  for (int64_t j = 0; j < p.width; j += kLanes) {
    if (j >= p.columns) {
      for (int64_t group = 0; group < p.depth_steps; ++group) _mm512_storeu_si512(p.out + (group * p.width + j) * kGroup, _mm512_setzero_si512());
    } else if (rows) {
      interleave(p, j);
    } else {
      transpose_columns(p, j);
    }
  }
}

// Nine taps of four channels of a column are 36 bytes. Word t takes bytes t, t + 9, t + 18 and t + 27: lane l makes words 4l to 4l + 3, the
// first two bytes of each from the 16 that begin at byte 4l, the other two from those that begin at 16 + 4l.
OCTET_INLINE inline __m512i words_of_taps(__m512i bytes) {
  const __m512i first_lines = _mm512_setr_epi32(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 0, 0, 0, 0);
  const __m512i second_lines = _mm512_setr_epi32(4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 0, 0, 0, 0);
  const __m512i first_bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 9, -1, -1, 1, 10, -1, -1, 2, 11, -1, -1, 3, 12, -1, -1));
  const __m512i second_bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(-1, -1, 2, 11, -1, -1, 3, 12, -1, -1, 4, 13, -1, -1, 5, 14));
  return _mm512_or_si512(_mm512_shuffle_epi8(_mm512_permutexvar_epi32(first_lines, bytes), first_bytes),
                         _mm512_shuffle_epi8(_mm512_permutexvar_epi32(second_lines, bytes), second_bytes));
}

void filter_3x3(const Filter3x3& p) {
  constexpr int64_t kTaps = 9;
  const __m512i ones = _mm512_set1_epi8(1), flip = _mm512_set1_epi8(static_cast<char>(p.flip));
  const int64_t step = p.width * kGroup;
  for (int64_t j = 0; j < p.width; j += kLanes) {
    const int64_t columns = p.columns - j < 0 ? 0 : p.columns - j < kLanes ? p.columns - j : kLanes;
    const uint8_t* in = p.data + j * p.column_stride;
    int8_t* out = p.out + j * kGroup;
    __m512i sums = _mm512_setzero_si512();
    for (int64_t channel = 0; channel < p.channels; channel += kGroup, out += step) {
      const int64_t left = p.channels - channel;
      const __mmask64 mask = first_bytes((left < kGroup ? left : kGroup) * kTaps);
      const uint8_t* from = in + channel * kTaps;
      __m512i words[16];
      for (int64_t c = 0; c < 16; ++c)
        words[c] = c < columns ? words_of_taps(_mm512_maskz_mov_epi8(mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, from + c * p.column_stride), flip)))
                               : _mm512_setzero_si512();
      transpose(words);
      for (int64_t t = 0; t < kTaps; ++t) {
        sums = _mm512_dpbusd_epi32(sums, ones, words[t]);
        _mm512_storeu_si512(out + p.place[t], words[t]);
      }
    }
    const __mmask16 lanes = columns > 0 ? first_lanes(columns) : __mmask16(0);
    _mm512_mask_storeu_epi32(p.sums + j, lanes, _mm512_add_epi32(_mm512_maskz_loadu_epi32(lanes, p.sums + j), sums));
  }
}

template <bool kSigned>
void sum_rows(const uint8_t* row, int64_t stride, int64_t row_count, int64_t count, int32_t* sums) {
  const __m512i ones = _mm512_set1_epi8(1);
  for (int64_t r = 0; r < row_count; ++r, row += stride) {
    __m512i sum = _mm512_setzero_si512();
    for (int64_t i = 0; i < count; i += kAtOnce) {
      const __m512i bytes = _mm512_maskz_loadu_epi8(first_bytes(count - i), row + i);
      sum = kSigned ? _mm512_dpbusd_epi32(sum, ones, bytes) : _mm512_dpbusd_epi32(sum, bytes, ones);
    }
    sums[r] = _mm512_reduce_add_epi32(sum);
  }
}

void row_sums(const uint8_t* rows, int64_t stride, int64_t row_count, int64_t count, bool is_signed, int32_t* sums) {
  if (is_signed) sum_rows<true>(rows, stride, row_count, count, sums);
  else sum_rows<false>(rows, stride, row_count, count, sums);
}

void fold_columns(const int32_t* bias, const int32_t* sums, int32_t zero_point, int64_t count, int32_t* folded) {
  const __m512i zero = _mm512_set1_epi32(zero_point);
  for (int64_t j = 0; j < count; j += kLanes) {
    const __mmask16 mask = first_lanes(count - j);
    const __m512i product = _mm512_mullo_epi32(zero, _mm512_maskz_loadu_epi32(mask, sums + j));
    _mm512_mask_storeu_epi32(folded + j, mask, _mm512_sub_epi32(_mm512_maskz_loadu_epi32(mask, bias + j), product));
  }
}

void scale_columns(const float* values, float factor, int64_t count, float* scaled) {
  const __m512 by = _mm512_set1_ps(factor);
  for (int64_t j = 0; j < count; j += kLanes) {
    const __mmask16 mask = first_lanes(count - j);
    _mm512_mask_storeu_ps(scaled + j, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, values + j), by));
  }
}

}  // namespace

const Kernel x86_avx512vnni = {panel, filter_3x3, row_sums, fold_columns, scale_columns};

}  // namespace octet::kernels::pack_int8
