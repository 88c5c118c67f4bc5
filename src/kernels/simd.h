// Sixteen floats at a time, the same on every instruction set: an algorithm is written once against `Wide` and compiled by
// each kernel file for its level; every operation here gives the same bits everywhere (NaN payloads apart).
//
//   Wide       16 floats: one AVX-512 register, two of AVX2, four of NEON. `Wide::Int` are 16 int32, `Wide::Mask` 16 booleans.
//   Scalar     one float in portable C++: what the reference kernels compute with.
//
// Both offer: + - * /, < <= == (false for NaN), fma(a, b, c) = a·b+c rounded once, min/max as the comparison a<b ? a : b and
// a>b ? a : b (so NaN in `a` yields b and NaN in `b` yields b), select(mask, yes, no), abs, copy_sign, sqrt, round (half to
// even), floor, ceil, to_int (half to even; the value must fit int32, NaN gives anything), to_float, bits/from_bits, and on the
// integers + - & | and shifts; times_power_of_two(x, n) = x·2^n. Multiplication and addition never contract to an fma by themselves (-ffp-contract=off).
//
// all(mask) is true when every lane is.
//
// near_reciprocal(x), of Wide alone: 1/x to 2^-22 for 1 <= x <= 2^126, other bits on every level. For work whose result is checked.
//
// load_first/store_first touch only the first n of 16 elements, 0 <= n <= 16; lanes that are not loaded read as 0.
//
// Everything lies in an unnamed namespace: each kernel file gets a copy of its own, compiled with its own flags.
// Which level `Wide` is follows the compiler flags of the file; on x86-64 without AVX2 there is no Wide.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#define OCTET_INLINE __attribute__((always_inline)) inline

namespace octet::kernels::simd {
namespace {

struct Scalar {
  float v;
  struct Int {
    int32_t v;
    OCTET_INLINE Int() = default;
    OCTET_INLINE explicit Int(int32_t value) : v(value) {}
    // Addition wraps, as it does in vector registers.
    friend OCTET_INLINE Int operator+(Int a, Int b) { return Int(static_cast<int32_t>(static_cast<uint32_t>(a.v) + static_cast<uint32_t>(b.v))); }
    friend OCTET_INLINE Int operator-(Int a, Int b) { return Int(static_cast<int32_t>(static_cast<uint32_t>(a.v) - static_cast<uint32_t>(b.v))); }
    friend OCTET_INLINE Int operator&(Int a, Int b) { return Int(a.v & b.v); }
    friend OCTET_INLINE Int operator|(Int a, Int b) { return Int(a.v | b.v); }
  };
  using Mask = bool;
  static constexpr int width = 1;

  OCTET_INLINE Scalar() = default;
  OCTET_INLINE explicit Scalar(float value) : v(value) {}
  static OCTET_INLINE Scalar load(const float* p) { return Scalar(*p); }
  OCTET_INLINE void store(float* p) const { *p = v; }

  friend OCTET_INLINE Scalar operator+(Scalar a, Scalar b) { return Scalar(a.v + b.v); }
  friend OCTET_INLINE Scalar operator-(Scalar a, Scalar b) { return Scalar(a.v - b.v); }
  friend OCTET_INLINE Scalar operator*(Scalar a, Scalar b) { return Scalar(a.v * b.v); }
  friend OCTET_INLINE Scalar operator/(Scalar a, Scalar b) { return Scalar(a.v / b.v); }
  friend OCTET_INLINE bool operator<(Scalar a, Scalar b) { return a.v < b.v; }
  friend OCTET_INLINE bool operator<=(Scalar a, Scalar b) { return a.v <= b.v; }
  friend OCTET_INLINE bool operator==(Scalar a, Scalar b) { return a.v == b.v; }
};

OCTET_INLINE Scalar fma(Scalar a, Scalar b, Scalar c) { return Scalar(__builtin_fmaf(a.v, b.v, c.v)); }
OCTET_INLINE Scalar min(Scalar a, Scalar b) { return a.v < b.v ? a : b; }
OCTET_INLINE Scalar max(Scalar a, Scalar b) { return a.v > b.v ? a : b; }
OCTET_INLINE Scalar select(bool mask, Scalar yes, Scalar no) { return mask ? yes : no; }
OCTET_INLINE Scalar::Int bits(Scalar a) { return Scalar::Int(std::bit_cast<int32_t>(a.v)); }
OCTET_INLINE Scalar from_bits(Scalar::Int a) { return Scalar(std::bit_cast<float>(a.v)); }
OCTET_INLINE Scalar abs(Scalar a) { return Scalar(std::bit_cast<float>(std::bit_cast<uint32_t>(a.v) & 0x7fffffffu)); }
OCTET_INLINE Scalar negate(Scalar a) { return Scalar(std::bit_cast<float>(std::bit_cast<uint32_t>(a.v) ^ 0x80000000u)); }
OCTET_INLINE Scalar copy_sign(Scalar magnitude, Scalar sign) {
  return Scalar(std::bit_cast<float>((std::bit_cast<uint32_t>(magnitude.v) & 0x7fffffffu) |
                                     (std::bit_cast<uint32_t>(sign.v) & 0x80000000u)));
}
OCTET_INLINE Scalar sqrt(Scalar a) { return Scalar(__builtin_sqrtf(a.v)); }
OCTET_INLINE Scalar round(Scalar a) {
  constexpr float kInteger = 8388608.0f;   // 2^23: floats beyond it are integers; adding it rounds to nearest even
  Scalar magnitude = abs(a);
  if (!(magnitude.v < kInteger)) return a;
  return copy_sign(Scalar((magnitude.v + kInteger) - kInteger), a);
}
OCTET_INLINE Scalar floor(Scalar a) {
  Scalar r = round(a);
  return r.v > a.v ? copy_sign(Scalar(r.v - 1), a) : r;
}
OCTET_INLINE Scalar ceil(Scalar a) {
  Scalar r = round(a);
  return r.v < a.v ? copy_sign(Scalar(r.v + 1), a) : r;
}
OCTET_INLINE Scalar::Int to_int(Scalar a) {
  float r = round(a).v;
  return Scalar::Int(r >= -2147483648.0f && r < 2147483648.0f ? static_cast<int32_t>(r) : INT32_MIN);
}
OCTET_INLINE Scalar to_float(Scalar::Int a) { return Scalar(static_cast<float>(a.v)); }
// x·2^n for whole n in [-252, 254], rounded once.
OCTET_INLINE Scalar times_power_of_two(Scalar x, Scalar n) {
  int32_t whole = static_cast<int32_t>(n.v == n.v ? n.v : 0.0f), half = whole >> 1;
  auto power = [](int32_t e) { return std::bit_cast<float>(static_cast<uint32_t>(e + 127) << 23); };
  return Scalar(x.v * power(half) * power(whole - half));
}
template <int n> OCTET_INLINE Scalar::Int shift_left(Scalar::Int a) { return Scalar::Int(static_cast<int32_t>(static_cast<uint32_t>(a.v) << n)); }
template <int n> OCTET_INLINE Scalar::Int shift_right(Scalar::Int a) { return Scalar::Int(a.v >> n); }   // keeps the sign

// Copies n bytes, 0 <= n <= 16, by pieces that may overlap: no loop, no call.
OCTET_INLINE void copy_bytes(uint8_t* to, const uint8_t* from, int n) {
  if (n >= 8) {
    uint64_t first, last;
    std::memcpy(&first, from, 8);
    std::memcpy(&last, from + n - 8, 8);
    std::memcpy(to, &first, 8);
    std::memcpy(to + n - 8, &last, 8);
  } else if (n >= 4) {
    uint32_t first, last;
    std::memcpy(&first, from, 4);
    std::memcpy(&last, from + n - 4, 4);
    std::memcpy(to, &first, 4);
    std::memcpy(to + n - 4, &last, 4);
  } else if (n > 0) {
    const uint8_t first = from[0], middle = from[n / 2], last = from[n - 1];
    to[0] = first;
    to[n / 2] = middle;
    to[n - 1] = last;
  }
}

}  // namespace
}  // namespace octet::kernels::simd

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#include "kernels/simd_avx512.h"
#define OCTET_HAS_WIDE 1
#elif defined(__AVX2__) && defined(__FMA__)
#include "kernels/simd_avx2.h"
#define OCTET_HAS_WIDE 1
#elif defined(__aarch64__)
#include "kernels/simd_neon.h"
#define OCTET_HAS_WIDE 1
#endif

#if defined(OCTET_HAS_WIDE)
namespace octet::kernels::simd {
namespace {

// The fixed tree that ends every reduction over 16 lanes: lane l takes l+8, then l+4, l+2, l+1. A loop that fills the lanes
// gives element i to lane i mod 16, in the order of i.
template <typename Combine>
OCTET_INLINE float reduce_tree(Wide lanes, Combine combine) {
  alignas(64) float v[16];
  lanes.store(v);
  for (int half = 8; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) v[l] = combine(Scalar(v[l]), Scalar(v[l + half])).v;
  return v[0];
}
#if defined(__AVX512F__)
// The same tree in registers.
template <typename Combine>
OCTET_INLINE float reduce_registers(Wide lanes, Combine combine) {
  lanes = combine(lanes, Wide(_mm512_shuffle_f32x4(lanes.v, lanes.v, 0x4e)));
  lanes = combine(lanes, Wide(_mm512_shuffle_f32x4(lanes.v, lanes.v, 0xb1)));
  lanes = combine(lanes, Wide(_mm512_permute_ps(lanes.v, 0x4e)));
  lanes = combine(lanes, Wide(_mm512_permute_ps(lanes.v, 0xb1)));
  return _mm512_cvtss_f32(lanes.v);
}
OCTET_INLINE float reduce_add(Wide lanes) {
  return reduce_registers(lanes, [](Wide a, Wide b) { return a + b; });
}
OCTET_INLINE float reduce_max(Wide lanes) {
  return reduce_registers(lanes, [](Wide a, Wide b) { return max(a, b); });
}
#else
OCTET_INLINE float reduce_add(Wide lanes) {
  return reduce_tree(lanes, [](Scalar a, Scalar b) { return a + b; });
}
OCTET_INLINE float reduce_max(Wide lanes) {
  return reduce_tree(lanes, [](Scalar a, Scalar b) { return max(a, b); });
}
#endif

// Calls body(i, n) for blocks of 16 elements from 0 to count. n is the constant 16 for whole blocks, so that they compile to
// plain loads, and an int for what is left: pass it on to load_block and its kin.
template <typename Body>
OCTET_INLINE void for_blocks(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) body(i, std::integral_constant<int, 16>());
  if (i < count) body(i, static_cast<int>(count - i));
}

template <int n>
OCTET_INLINE Wide load_block(const float* p, std::integral_constant<int, n>) { return Wide::load(p); }
OCTET_INLINE Wide load_block(const float* p, int n) { return Wide::load_first(p, n); }
template <int n>
OCTET_INLINE void store_block(Wide v, float* p, std::integral_constant<int, n>) { v.store(p); }
OCTET_INLINE void store_block(Wide v, float* p, int n) { v.store_first(p, n); }
template <int n>
OCTET_INLINE Wide::Int load_u8_block(const uint8_t* p, std::integral_constant<int, n>) { return load_u8(p); }
OCTET_INLINE Wide::Int load_u8_block(const uint8_t* p, int n) { return load_u8_first(p, n); }
template <int n>
OCTET_INLINE void store_u8_block(Wide::Int v, uint8_t* p, std::integral_constant<int, n>) { store_u8(v, p); }
OCTET_INLINE void store_u8_block(Wide::Int v, uint8_t* p, int n) { store_u8_first(v, p, n); }

}  // namespace
}  // namespace octet::kernels::simd
#endif
