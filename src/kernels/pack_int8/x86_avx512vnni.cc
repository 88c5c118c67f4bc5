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

const Kernel x86_avx512vnni = {panel, row_sums, fold_columns, scale_columns};

}  // namespace octet::kernels::pack_int8
