// simd.h for AVX-512 F/BW/DQ/VL. Include simd.h, not this.
#pragma once

#include <immintrin.h>

#include "kernels/simd_x86.h"

namespace octet::kernels::simd {
namespace {

OCTET_INLINE __mmask16 first_lanes(int n) { return static_cast<__mmask16>((1u << n) - 1); }

struct Wide {
  __m512 v;
  struct Int {
    __m512i v;
    OCTET_INLINE Int() = default;
    OCTET_INLINE Int(__m512i value) : v(value) {}
    OCTET_INLINE explicit Int(int32_t value) : v(_mm512_set1_epi32(value)) {}
    static OCTET_INLINE Int load(const int32_t* p) { return _mm512_loadu_si512(p); }
    static OCTET_INLINE Int load_first(const int32_t* p, int n) { return _mm512_maskz_loadu_epi32(first_lanes(n), p); }
    OCTET_INLINE void store(int32_t* p) const { _mm512_storeu_si512(p, v); }
    friend OCTET_INLINE Int operator+(Int a, Int b) { return _mm512_add_epi32(a.v, b.v); }
    friend OCTET_INLINE Int operator-(Int a, Int b) { return _mm512_sub_epi32(a.v, b.v); }
    friend OCTET_INLINE Int operator*(Int a, Int b) { return _mm512_mullo_epi32(a.v, b.v); }
    friend OCTET_INLINE Int operator&(Int a, Int b) { return _mm512_and_si512(a.v, b.v); }
    friend OCTET_INLINE Int operator|(Int a, Int b) { return _mm512_or_si512(a.v, b.v); }
    friend OCTET_INLINE Int operator^(Int a, Int b) { return _mm512_xor_si512(a.v, b.v); }
  };
  struct Mask {
    __mmask16 v;
    friend OCTET_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.v & b.v)}; }
    friend OCTET_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.v | b.v)}; }
  };
  static constexpr int width = 16;

  OCTET_INLINE Wide() = default;
  OCTET_INLINE Wide(__m512 value) : v(value) {}
  OCTET_INLINE explicit Wide(float value) : v(_mm512_set1_ps(value)) {}
  static OCTET_INLINE Wide load(const float* p) { return _mm512_loadu_ps(p); }
  static OCTET_INLINE Wide load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
  OCTET_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  OCTET_INLINE void store_first(float* p, int n) const { _mm512_mask_storeu_ps(p, first_lanes(n), v); }

  friend OCTET_INLINE Wide operator+(Wide a, Wide b) { return _mm512_add_ps(a.v, b.v); }
  friend OCTET_INLINE Wide operator-(Wide a, Wide b) { return _mm512_sub_ps(a.v, b.v); }
  friend OCTET_INLINE Wide operator*(Wide a, Wide b) { return _mm512_mul_ps(a.v, b.v); }
  friend OCTET_INLINE Wide operator/(Wide a, Wide b) { return _mm512_div_ps(a.v, b.v); }
  friend OCTET_INLINE Mask operator<(Wide a, Wide b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
  friend OCTET_INLINE Mask operator<=(Wide a, Wide b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
  friend OCTET_INLINE Mask operator==(Wide a, Wide b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
};

OCTET_INLINE bool all(Wide::Mask mask) { return mask.v == 0xffff; }
OCTET_INLINE Wide::Mask lanes_below(int n) { return {first_lanes(n)}; }
OCTET_INLINE Wide fma(Wide a, Wide b, Wide c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
OCTET_INLINE Wide min(Wide a, Wide b) { return _mm512_min_ps(a.v, b.v); }
OCTET_INLINE Wide max(Wide a, Wide b) { return _mm512_max_ps(a.v, b.v); }
OCTET_INLINE Wide select(Wide::Mask mask, Wide yes, Wide no) { return _mm512_mask_blend_ps(mask.v, no.v, yes.v); }
OCTET_INLINE Wide::Int select(Wide::Mask mask, Wide::Int yes, Wide::Int no) { return _mm512_mask_blend_epi32(mask.v, no.v, yes.v); }
OCTET_INLINE Wide::Int bits(Wide a) { return _mm512_castps_si512(a.v); }
OCTET_INLINE Wide from_bits(Wide::Int a) { return _mm512_castsi512_ps(a.v); }
OCTET_INLINE Wide abs(Wide a) { return _mm512_abs_ps(a.v); }
OCTET_INLINE Wide negate(Wide a) { return _mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f)); }
OCTET_INLINE Wide copy_sign(Wide magnitude, Wide sign) {
  __m512 top = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(top, magnitude.v), _mm512_and_ps(top, sign.v));
}
OCTET_INLINE Wide sqrt(Wide a) { return _mm512_sqrt_ps(a.v); }
OCTET_INLINE Wide near_reciprocal(Wide a) {
  const __m512 guess = _mm512_rcp14_ps(a.v);
  return _mm512_fmadd_ps(guess, _mm512_fnmadd_ps(a.v, guess, _mm512_set1_ps(1.0f)), guess);
}
OCTET_INLINE Wide round(Wide a) { return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
OCTET_INLINE Wide floor(Wide a) { return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
OCTET_INLINE Wide ceil(Wide a) { return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
OCTET_INLINE Wide::Int to_int(Wide a) { return _mm512_cvtps_epi32(a.v); }
OCTET_INLINE Wide to_float(Wide::Int a) { return _mm512_cvtepi32_ps(a.v); }
OCTET_INLINE Wide times_power_of_two(Wide x, Wide n) { return _mm512_scalef_ps(x.v, n.v); }
template <int n> OCTET_INLINE Wide::Int shift_left(Wide::Int a) { return _mm512_slli_epi32(a.v, n); }
template <int n> OCTET_INLINE Wide::Int shift_right(Wide::Int a) { return _mm512_srai_epi32(a.v, n); }

// Bytes as int32 lanes, 0 to 255; storing keeps the low byte of each lane.
OCTET_INLINE Wide::Int load_u8(const uint8_t* p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
OCTET_INLINE Wide::Int load_u8_first(const uint8_t* p, int n) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_lanes(n), p)); }
OCTET_INLINE void store_u8(Wide::Int a, uint8_t* p) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v)); }
OCTET_INLINE void store_u8_first(Wide::Int a, uint8_t* p, int n) { _mm_mask_storeu_epi8(p, first_lanes(n), _mm512_cvtepi32_epi8(a.v)); }

// Plain bytes, as many as one register holds: the width differs from level to level, so only for work without an order.
struct Bytes {
  __m512i v;
  static constexpr int width = 64;
  OCTET_INLINE explicit Bytes(uint8_t value) : v(_mm512_set1_epi8(static_cast<char>(value))) {}
  OCTET_INLINE Bytes(__m512i value) : v(value) {}
  static OCTET_INLINE Bytes load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  OCTET_INLINE void store(uint8_t* p) const { _mm512_storeu_si512(p, v); }
};
OCTET_INLINE Bytes max_unsigned(Bytes a, Bytes b) { return _mm512_max_epu8(a.v, b.v); }
OCTET_INLINE Bytes max_signed(Bytes a, Bytes b) { return _mm512_max_epi8(a.v, b.v); }

// 64 integers, the zero point added, clamped into [low, high] within 0..255 or -128..127 and stored as bytes.
struct Narrower {
  __m512i zero, low, high;
  bool is_signed;
  OCTET_INLINE Narrower(int32_t zero_point, int32_t least, int32_t most)
      : zero(_mm512_set1_epi16(static_cast<int16_t>(zero_point))), low(_mm512_set1_epi8(static_cast<char>(least))),
        high(_mm512_set1_epi8(static_cast<char>(most))), is_signed(least < 0) {}
  OCTET_INLINE void store(const Wide::Int (&v)[4], uint8_t* p) const {
    __m512i first = _mm512_adds_epi16(_mm512_packs_epi32(v[0].v, v[1].v), zero);
    __m512i second = _mm512_adds_epi16(_mm512_packs_epi32(v[2].v, v[3].v), zero);
    __m512i bytes = is_signed ? _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(first, second), low), high)
                              : _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(first, second), low), high);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);   // packing went by 128-bit lanes
    _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, bytes));
  }
};

}  // namespace
}  // namespace octet::kernels::simd
