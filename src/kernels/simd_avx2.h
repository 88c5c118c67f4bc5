// simd.h for AVX2 and FMA: lanes 0 to 7 in `a`, 8 to 15 in `b`. Include simd.h, not this.
#pragma once

#include <immintrin.h>

#include "kernels/simd_x86.h"

namespace octet::kernels::simd {
namespace {

alignas(64) constexpr int32_t kLaneMasks[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

OCTET_INLINE __m256i first_lanes_low(int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + 16 - n)); }
OCTET_INLINE __m256i first_lanes_high(int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + 24 - n)); }

struct Wide {
  __m256 a, b;
  struct Int {
    __m256i a, b;
    OCTET_INLINE Int() = default;
    OCTET_INLINE Int(__m256i low, __m256i high) : a(low), b(high) {}
    OCTET_INLINE explicit Int(int32_t value) : a(_mm256_set1_epi32(value)), b(a) {}
    static OCTET_INLINE Int load(const int32_t* p) {
      return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
    }
    static OCTET_INLINE Int load_first(const int32_t* p, int n) {
      return {_mm256_maskload_epi32(p, first_lanes_low(n)), _mm256_maskload_epi32(p + 8, first_lanes_high(n))};
    }
    OCTET_INLINE void store(int32_t* p) const {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), b);
    }
    friend OCTET_INLINE Int operator+(Int x, Int y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
    friend OCTET_INLINE Int operator-(Int x, Int y) { return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)}; }
    friend OCTET_INLINE Int operator*(Int x, Int y) { return {_mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b)}; }
    friend OCTET_INLINE Int operator&(Int x, Int y) { return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
    friend OCTET_INLINE Int operator|(Int x, Int y) { return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
    friend OCTET_INLINE Int operator^(Int x, Int y) { return {_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)}; }
  };
  struct Mask {
    __m256 a, b;
    friend OCTET_INLINE Mask operator&(Mask x, Mask y) { return {_mm256_and_ps(x.a, y.a), _mm256_and_ps(x.b, y.b)}; }
    friend OCTET_INLINE Mask operator|(Mask x, Mask y) { return {_mm256_or_ps(x.a, y.a), _mm256_or_ps(x.b, y.b)}; }
  };
  static constexpr int width = 16;

  OCTET_INLINE Wide() = default;
  OCTET_INLINE Wide(__m256 low, __m256 high) : a(low), b(high) {}
  OCTET_INLINE explicit Wide(float value) : a(_mm256_set1_ps(value)), b(a) {}
  static OCTET_INLINE Wide load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static OCTET_INLINE Wide load_first(const float* p, int n) {
    return {_mm256_maskload_ps(p, first_lanes_low(n)), _mm256_maskload_ps(p + 8, first_lanes_high(n))};
  }
  OCTET_INLINE void store(float* p) const {
    _mm256_storeu_ps(p, a);
    _mm256_storeu_ps(p + 8, b);
  }
  OCTET_INLINE void store_first(float* p, int n) const {
    _mm256_maskstore_ps(p, first_lanes_low(n), a);
    _mm256_maskstore_ps(p + 8, first_lanes_high(n), b);
  }

  friend OCTET_INLINE Wide operator+(Wide x, Wide y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  friend OCTET_INLINE Wide operator-(Wide x, Wide y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
  friend OCTET_INLINE Wide operator*(Wide x, Wide y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  friend OCTET_INLINE Wide operator/(Wide x, Wide y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
  friend OCTET_INLINE Mask operator<(Wide x, Wide y) { return {_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)}; }
  friend OCTET_INLINE Mask operator<=(Wide x, Wide y) { return {_mm256_cmp_ps(x.a, y.a, _CMP_LE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LE_OQ)}; }
  friend OCTET_INLINE Mask operator==(Wide x, Wide y) { return {_mm256_cmp_ps(x.a, y.a, _CMP_EQ_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_EQ_OQ)}; }
};

OCTET_INLINE bool all(Wide::Mask mask) { return _mm256_movemask_ps(_mm256_and_ps(mask.a, mask.b)) == 0xff; }
OCTET_INLINE Wide::Mask lanes_below(int n) {
  return {_mm256_castsi256_ps(first_lanes_low(n)), _mm256_castsi256_ps(first_lanes_high(n))};
}
OCTET_INLINE Wide fma(Wide x, Wide y, Wide z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
OCTET_INLINE Wide min(Wide x, Wide y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
OCTET_INLINE Wide max(Wide x, Wide y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
OCTET_INLINE Wide select(Wide::Mask mask, Wide yes, Wide no) {
  return {_mm256_blendv_ps(no.a, yes.a, mask.a), _mm256_blendv_ps(no.b, yes.b, mask.b)};
}
OCTET_INLINE Wide::Int bits(Wide x) { return {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
OCTET_INLINE Wide from_bits(Wide::Int x) { return {_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
OCTET_INLINE Wide::Int select(Wide::Mask mask, Wide::Int yes, Wide::Int no) { return bits(select(mask, from_bits(yes), from_bits(no))); }
OCTET_INLINE Wide abs(Wide x) {
  __m256 top = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(top, x.a), _mm256_andnot_ps(top, x.b)};
}
OCTET_INLINE Wide negate(Wide x) {
  __m256 top = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(x.a, top), _mm256_xor_ps(x.b, top)};
}
OCTET_INLINE Wide copy_sign(Wide magnitude, Wide sign) {
  __m256 top = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(top, magnitude.a), _mm256_and_ps(top, sign.a)),
          _mm256_or_ps(_mm256_andnot_ps(top, magnitude.b), _mm256_and_ps(top, sign.b))};
}
OCTET_INLINE Wide sqrt(Wide x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
OCTET_INLINE __m256 near_reciprocal(__m256 x) {
  const __m256 guess = _mm256_rcp_ps(x);
  return _mm256_fmadd_ps(guess, _mm256_fnmadd_ps(x, guess, _mm256_set1_ps(1.0f)), guess);
}
OCTET_INLINE Wide near_reciprocal(Wide x) { return {near_reciprocal(x.a), near_reciprocal(x.b)}; }
template <int mode> OCTET_INLINE Wide round_to(Wide x) { return {_mm256_round_ps(x.a, mode), _mm256_round_ps(x.b, mode)}; }
OCTET_INLINE Wide round(Wide x) { return round_to<_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC>(x); }
OCTET_INLINE Wide floor(Wide x) { return round_to<_MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC>(x); }
OCTET_INLINE Wide ceil(Wide x) { return round_to<_MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC>(x); }
OCTET_INLINE Wide::Int to_int(Wide x) { return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
OCTET_INLINE Wide to_float(Wide::Int x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
template <int n> OCTET_INLINE Wide::Int shift_left(Wide::Int x) { return {_mm256_slli_epi32(x.a, n), _mm256_slli_epi32(x.b, n)}; }
template <int n> OCTET_INLINE Wide::Int shift_right(Wide::Int x) { return {_mm256_srai_epi32(x.a, n), _mm256_srai_epi32(x.b, n)}; }
OCTET_INLINE Wide times_power_of_two(Wide x, Wide n) {
  // Two factors, so that both are normal floats; only the last product rounds, where the result is denormal.
  Wide::Int whole = to_int(n), half = shift_right<1>(whole), bias(127);
  return x * from_bits(shift_left<23>(half + bias)) * from_bits(shift_left<23>(whole - half + bias));
}

// Bytes as int32 lanes, 0 to 255; storing keeps the low byte of each lane.
OCTET_INLINE Wide::Int widen_u8(__m128i bytes) {
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes))};
}
OCTET_INLINE __m128i narrow_u8(Wide::Int x) {
  __m256i low_byte = _mm256_set1_epi32(255);
  __m256i words = _mm256_packus_epi32(_mm256_and_si256(x.a, low_byte), _mm256_and_si256(x.b, low_byte));   // a0 b0 a1 b1, by fours
  words = _mm256_permute4x64_epi64(words, 0xd8);
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}
OCTET_INLINE Wide::Int load_u8(const uint8_t* p) { return widen_u8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
OCTET_INLINE Wide::Int load_u8_first(const uint8_t* p, int n) {
  alignas(16) uint8_t bytes[16] = {};
  copy_bytes(bytes, p, n);
  return widen_u8(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes)));
}
OCTET_INLINE void store_u8(Wide::Int x, uint8_t* p) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow_u8(x)); }
OCTET_INLINE void store_u8_first(Wide::Int x, uint8_t* p, int n) {
  alignas(16) uint8_t bytes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes), narrow_u8(x));
  copy_bytes(p, bytes, n);
}

// Plain bytes, as many as one register holds: the width differs from level to level, so only for work without an order.
struct Bytes {
  __m256i v;
  static constexpr int width = 32;
  OCTET_INLINE explicit Bytes(uint8_t value) : v(_mm256_set1_epi8(static_cast<char>(value))) {}
  OCTET_INLINE Bytes(__m256i value) : v(value) {}
  static OCTET_INLINE Bytes load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  OCTET_INLINE void store(uint8_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
};
OCTET_INLINE Bytes max_unsigned(Bytes a, Bytes b) { return _mm256_max_epu8(a.v, b.v); }
OCTET_INLINE Bytes max_signed(Bytes a, Bytes b) { return _mm256_max_epi8(a.v, b.v); }

// 64 integers, the zero point added, clamped into [low, high] within 0..255 or -128..127 and stored as bytes.
struct Narrower {
  __m256i zero, low, high;
  bool is_signed;
  OCTET_INLINE Narrower(int32_t zero_point, int32_t least, int32_t most)
      : zero(_mm256_set1_epi16(static_cast<int16_t>(zero_point))), low(_mm256_set1_epi8(static_cast<char>(least))),
        high(_mm256_set1_epi8(static_cast<char>(most))), is_signed(least < 0) {}
  OCTET_INLINE void store(const Wide::Int (&v)[4], uint8_t* p) const {
    for (int half = 0; half < 2; ++half) {
      __m256i first = _mm256_adds_epi16(_mm256_packs_epi32(v[2 * half].a, v[2 * half].b), zero);
      __m256i second = _mm256_adds_epi16(_mm256_packs_epi32(v[2 * half + 1].a, v[2 * half + 1].b), zero);
      __m256i bytes = is_signed ? _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(first, second), low), high)
                                : _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(first, second), low), high);
      const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);   // packing went by 128-bit lanes
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32 * half), _mm256_permutevar8x32_epi32(bytes, order));
    }
  }
};

}  // namespace
}  // namespace octet::kernels::simd
