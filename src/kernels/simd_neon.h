// simd.h for Advanced SIMD on 64-bit ARM: lanes 4q to 4q+3 in v[q]. Include simd.h, not this.
#pragma once

#include <arm_neon.h>

namespace octet::kernels::simd {
namespace {

struct Wide {
  float32x4_t v[4];

  // Builds a vector from what `make(q)` gives for each quarter.
  template <typename Make>
  static OCTET_INLINE Wide quarters(Make make) {
    Wide r;
    for (int q = 0; q < 4; ++q) r.v[q] = make(q);
    return r;
  }

  struct Int {
    int32x4_t v[4];
    template <typename Make>
    static OCTET_INLINE Int quarters(Make make) {
      Int r;
      for (int q = 0; q < 4; ++q) r.v[q] = make(q);
      return r;
    }
    OCTET_INLINE Int() = default;
    OCTET_INLINE explicit Int(int32_t value) { for (auto& part : v) part = vdupq_n_s32(value); }
    static OCTET_INLINE Int load(const int32_t* p) { return quarters([&](int q) { return vld1q_s32(p + 4 * q); }); }
    static OCTET_INLINE Int load_first(const int32_t* p, int n) {
      int32_t part[16] = {};
      for (int i = 0; i < n; ++i) part[i] = p[i];
      return load(part);
    }
    OCTET_INLINE void store(int32_t* p) const { for (int q = 0; q < 4; ++q) vst1q_s32(p + 4 * q, v[q]); }
    friend OCTET_INLINE Int operator+(Int a, Int b) { return quarters([&](int q) { return vaddq_s32(a.v[q], b.v[q]); }); }
    friend OCTET_INLINE Int operator-(Int a, Int b) { return quarters([&](int q) { return vsubq_s32(a.v[q], b.v[q]); }); }
    friend OCTET_INLINE Int operator*(Int a, Int b) { return quarters([&](int q) { return vmulq_s32(a.v[q], b.v[q]); }); }
    friend OCTET_INLINE Int operator&(Int a, Int b) { return quarters([&](int q) { return vandq_s32(a.v[q], b.v[q]); }); }
    friend OCTET_INLINE Int operator|(Int a, Int b) { return quarters([&](int q) { return vorrq_s32(a.v[q], b.v[q]); }); }
    friend OCTET_INLINE Int operator^(Int a, Int b) { return quarters([&](int q) { return veorq_s32(a.v[q], b.v[q]); }); }
  };
  struct Mask {
    uint32x4_t v[4];
    template <typename Make>
    static OCTET_INLINE Mask quarters(Make make) {
      Mask r;
      for (int q = 0; q < 4; ++q) r.v[q] = make(q);
      return r;
    }
    friend OCTET_INLINE Mask operator&(Mask a, Mask b) { return quarters([&](int q) { return vandq_u32(a.v[q], b.v[q]); }); }
    friend OCTET_INLINE Mask operator|(Mask a, Mask b) { return quarters([&](int q) { return vorrq_u32(a.v[q], b.v[q]); }); }
  };
  static constexpr int width = 16;

  OCTET_INLINE Wide() = default;
  OCTET_INLINE explicit Wide(float value) { for (auto& part : v) part = vdupq_n_f32(value); }
  static OCTET_INLINE Wide load(const float* p) { return quarters([&](int q) { return vld1q_f32(p + 4 * q); }); }
  static OCTET_INLINE Wide load_first(const float* p, int n) {
    float part[16] = {};
    for (int i = 0; i < n; ++i) part[i] = p[i];
    return load(part);
  }
  OCTET_INLINE void store(float* p) const { for (int q = 0; q < 4; ++q) vst1q_f32(p + 4 * q, v[q]); }
  OCTET_INLINE void store_first(float* p, int n) const {
    float part[16];
    store(part);
    for (int i = 0; i < n; ++i) p[i] = part[i];
  }

  friend OCTET_INLINE Wide operator+(Wide a, Wide b) { return quarters([&](int q) { return vaddq_f32(a.v[q], b.v[q]); }); }
  friend OCTET_INLINE Wide operator-(Wide a, Wide b) { return quarters([&](int q) { return vsubq_f32(a.v[q], b.v[q]); }); }
  friend OCTET_INLINE Wide operator*(Wide a, Wide b) { return quarters([&](int q) { return vmulq_f32(a.v[q], b.v[q]); }); }
  friend OCTET_INLINE Wide operator/(Wide a, Wide b) { return quarters([&](int q) { return vdivq_f32(a.v[q], b.v[q]); }); }
  friend OCTET_INLINE Mask operator<(Wide a, Wide b) { return Mask::quarters([&](int q) { return vcltq_f32(a.v[q], b.v[q]); }); }
  friend OCTET_INLINE Mask operator<=(Wide a, Wide b) { return Mask::quarters([&](int q) { return vcleq_f32(a.v[q], b.v[q]); }); }
  friend OCTET_INLINE Mask operator==(Wide a, Wide b) { return Mask::quarters([&](int q) { return vceqq_f32(a.v[q], b.v[q]); }); }
};

OCTET_INLINE bool all(Wide::Mask mask) {
  return vminvq_u32(vandq_u32(vandq_u32(mask.v[0], mask.v[1]), vandq_u32(mask.v[2], mask.v[3]))) != 0;
}
OCTET_INLINE Wide::Mask lanes_below(int n) {
  const int32_t lanes[4] = {0, 1, 2, 3};
  int32x4_t first = vld1q_s32(lanes);
  return Wide::Mask::quarters([&](int q) { return vcltq_s32(first, vdupq_n_s32(n - 4 * q)); });
}
OCTET_INLINE Wide fma(Wide a, Wide b, Wide c) { return Wide::quarters([&](int q) { return vfmaq_f32(c.v[q], a.v[q], b.v[q]); }); }
OCTET_INLINE Wide select(Wide::Mask m, Wide yes, Wide no) { return Wide::quarters([&](int q) { return vbslq_f32(m.v[q], yes.v[q], no.v[q]); }); }
OCTET_INLINE Wide::Int select(Wide::Mask m, Wide::Int yes, Wide::Int no) {
  return Wide::Int::quarters([&](int q) { return vbslq_s32(m.v[q], yes.v[q], no.v[q]); });
}
// The processor's own minimum treats NaN differently: compare and select.
OCTET_INLINE Wide min(Wide a, Wide b) { return select(a < b, a, b); }
OCTET_INLINE Wide max(Wide a, Wide b) { return select(b < a, a, b); }
OCTET_INLINE Wide::Int bits(Wide a) { return Wide::Int::quarters([&](int q) { return vreinterpretq_s32_f32(a.v[q]); }); }
OCTET_INLINE Wide from_bits(Wide::Int a) { return Wide::quarters([&](int q) { return vreinterpretq_f32_s32(a.v[q]); }); }
OCTET_INLINE Wide abs(Wide a) { return Wide::quarters([&](int q) { return vabsq_f32(a.v[q]); }); }
OCTET_INLINE Wide negate(Wide a) { return Wide::quarters([&](int q) { return vnegq_f32(a.v[q]); }); }
OCTET_INLINE Wide copy_sign(Wide magnitude, Wide sign) {
  return Wide::quarters([&](int q) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign.v[q], magnitude.v[q]); });
}
OCTET_INLINE Wide sqrt(Wide a) { return Wide::quarters([&](int q) { return vsqrtq_f32(a.v[q]); }); }
OCTET_INLINE Wide near_reciprocal(Wide a) {
  return Wide::quarters([&](int q) {
    float32x4_t guess = vrecpeq_f32(a.v[q]);
    guess = vmulq_f32(guess, vrecpsq_f32(a.v[q], guess));
    return vmulq_f32(guess, vrecpsq_f32(a.v[q], guess));
  });
}
OCTET_INLINE Wide round(Wide a) { return Wide::quarters([&](int q) { return vrndnq_f32(a.v[q]); }); }
OCTET_INLINE Wide floor(Wide a) { return Wide::quarters([&](int q) { return vrndmq_f32(a.v[q]); }); }
OCTET_INLINE Wide ceil(Wide a) { return Wide::quarters([&](int q) { return vrndpq_f32(a.v[q]); }); }
OCTET_INLINE Wide::Int to_int(Wide a) { return Wide::Int::quarters([&](int q) { return vcvtnq_s32_f32(a.v[q]); }); }
OCTET_INLINE Wide to_float(Wide::Int a) { return Wide::quarters([&](int q) { return vcvtq_f32_s32(a.v[q]); }); }
template <int n> OCTET_INLINE Wide::Int shift_left(Wide::Int a) { return Wide::Int::quarters([&](int q) { return vshlq_n_s32(a.v[q], n); }); }
template <int n> OCTET_INLINE Wide::Int shift_right(Wide::Int a) { return Wide::Int::quarters([&](int q) { return vshrq_n_s32(a.v[q], n); }); }
OCTET_INLINE Wide times_power_of_two(Wide x, Wide n) {
  // Two factors, so that both are normal floats; only the last product rounds, where the result is denormal.
  Wide::Int whole = to_int(n), half = shift_right<1>(whole), bias(127);
  return x * from_bits(shift_left<23>(half + bias)) * from_bits(shift_left<23>(whole - half + bias));
}

// Bytes as int32 lanes, 0 to 255; storing keeps the low byte of each lane.
OCTET_INLINE Wide::Int load_u8(const uint8_t* p) {
  uint8x16_t bytes = vld1q_u8(p);
  uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
  Wide::Int r;
  r.v[0] = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low)));
  r.v[1] = vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(low)));
  r.v[2] = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high)));
  r.v[3] = vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(high)));
  return r;
}
OCTET_INLINE Wide::Int load_u8_first(const uint8_t* p, int n) {
  uint8_t bytes[16] = {};
  copy_bytes(bytes, p, n);
  return load_u8(bytes);
}
OCTET_INLINE void store_u8(Wide::Int a, uint8_t* p) {
  int16x8_t low = vcombine_s16(vmovn_s32(a.v[0]), vmovn_s32(a.v[1])), high = vcombine_s16(vmovn_s32(a.v[2]), vmovn_s32(a.v[3]));
  vst1q_u8(p, vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(low), vmovn_s16(high))));
}
OCTET_INLINE void store_u8_first(Wide::Int a, uint8_t* p, int n) {
  uint8_t bytes[16];
  store_u8(a, bytes);
  copy_bytes(p, bytes, n);
}

// Plain bytes, as many as one register holds: the width differs from level to level, so only for work without an order.
struct Bytes {
  uint8x16_t v;
  static constexpr int width = 16;
  OCTET_INLINE explicit Bytes(uint8_t value) : v(vdupq_n_u8(value)) {}
  OCTET_INLINE Bytes(uint8x16_t value) : v(value) {}
  static OCTET_INLINE Bytes load(const uint8_t* p) { return vld1q_u8(p); }
  OCTET_INLINE void store(uint8_t* p) const { vst1q_u8(p, v); }
};
OCTET_INLINE Bytes max_unsigned(Bytes a, Bytes b) { return vmaxq_u8(a.v, b.v); }
OCTET_INLINE Bytes max_signed(Bytes a, Bytes b) {
  return vreinterpretq_u8_s8(vmaxq_s8(vreinterpretq_s8_u8(a.v), vreinterpretq_s8_u8(b.v)));
}

// 64 integers, the zero point added, clamped into [low, high] within 0..255 or -128..127 and stored as bytes.
struct Narrower {
  int16x8_t zero;
  uint8x16_t low, high;
  bool is_signed;
  OCTET_INLINE Narrower(int32_t zero_point, int32_t least, int32_t most)
      : zero(vdupq_n_s16(static_cast<int16_t>(zero_point))), low(vdupq_n_u8(static_cast<uint8_t>(least))),
        high(vdupq_n_u8(static_cast<uint8_t>(most))), is_signed(least < 0) {}
  OCTET_INLINE void store(const Wide::Int (&v)[4], uint8_t* p) const {
    for (int k = 0; k < 4; ++k) {
      int16x8_t first = vqaddq_s16(vcombine_s16(vqmovn_s32(v[k].v[0]), vqmovn_s32(v[k].v[1])), zero);
      int16x8_t second = vqaddq_s16(vcombine_s16(vqmovn_s32(v[k].v[2]), vqmovn_s32(v[k].v[3])), zero);
      uint8x16_t bytes;
      if (is_signed) {
        int8x16_t clamped = vmaxq_s8(vcombine_s8(vqmovn_s16(first), vqmovn_s16(second)), vreinterpretq_s8_u8(low));
        bytes = vreinterpretq_u8_s8(vminq_s8(clamped, vreinterpretq_s8_u8(high)));
      } else {
        bytes = vminq_u8(vmaxq_u8(vcombine_u8(vqmovun_s16(first), vqmovun_s16(second)), low), high);
      }
      vst1q_u8(p + 16 * k, bytes);
    }
  }
};

// y[c] = column c of 16 rows of 16 bytes, x_stride apart.
OCTET_INLINE void transpose_bytes(const uint8_t* x, int64_t x_stride, uint8_t (&y)[16][16]) {
  uint8x16_t a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = vld1q_u8(x + i * x_stride);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      b[2 * i] = vzip1q_u8(a[i], a[i + 8]);
      b[2 * i + 1] = vzip2q_u8(a[i], a[i + 8]);
    }
    for (int i = 0; i < 16; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 16; ++i) vst1q_u8(y[i], a[i]);
}

}  // namespace
}  // namespace octet::kernels::simd
