// What the 512-bit kernels share: what happens to the sums, and how rows are copied. Included by them alone: compiled for each
// level, hence the anonymous namespace.
#pragma once

#include <immintrin.h>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kLanes = 16, kColumns = 32, kGroup = 4;

OCTET_INLINE inline __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xffff : (1u << count) - 1);
}

template <int kRows, int kWide>
OCTET_INLINE inline void store_int32(const Block& block, int64_t i, int64_t j, int64_t columns, __m512i (&v)[kRows][kWide]) {
  repeat<kRows>([&](auto r) OCTET_INLINE {
    int32_t* c = static_cast<int32_t*>(block.c) + block.c_offsets[i + r] + j;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      _mm512_mask_storeu_epi32(c + w * kLanes, first_lanes(columns - w * kLanes), v[r][w]);
    });
  });
}

template <int kWide>
struct Scale {
  __m512 multiplier[kWide], bias[kWide];
  bool has_bias;

  OCTET_INLINE Scale(const Block& block, int64_t j) : has_bias(block.float_bias != nullptr) {
    repeat<kWide>([&](auto w) OCTET_INLINE {
      multiplier[w] = _mm512_loadu_ps(block.multiplier + j + w * kLanes);
      bias[w] = has_bias ? _mm512_loadu_ps(block.float_bias + j + w * kLanes) : _mm512_setzero_ps();
    });
  }
  OCTET_INLINE __m512 apply(__m512i acc, int w) const {
    __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier[w]);
    return has_bias ? _mm512_add_ps(y, bias[w]) : y;
  }
};

template <int kRows, int kWide>
OCTET_INLINE inline void store_float(const Block& block, int64_t i, int64_t j, int64_t columns, __m512i (&v)[kRows][kWide]) {
  const Scale<kWide> scale(block, j);
  const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
  repeat<kRows>([&](auto r) OCTET_INLINE {
    float* c = static_cast<float*>(block.c) + block.c_offsets[i + r] + j;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const __m512 y = _mm512_min_ps(high, _mm512_max_ps(low, scale.apply(v[r][w], w)));   // NaN stays
      _mm512_mask_storeu_ps(c + w * kLanes, first_lanes(columns - w * kLanes), y);
    });
  });
}

// Says that a value is to be in a register from here on. Constants that live across calls are otherwise read from memory wherever they
// are used, and then load ports limit a kernel.
OCTET_INLINE inline void hold(__m512& value) { asm("" : "+v"(value)); }
OCTET_INLINE inline void hold(__m512i& value) { asm("" : "+v"(value)); }

// Four vectors of int32 to 64 bytes: saturates to 16 bits, adds the zero point, saturates to unsigned bytes and clamps. Signed
// outputs take the same way 128 higher and have their top bit flipped at the end.
struct Bytes {
  __m512i zero_point, minimum, maximum, flip, order;

  OCTET_INLINE explicit Bytes(const Block& block) {
    const int32_t lowest = static_cast<int32_t>(block.low) + block.output_zero_point;
    const int32_t highest = static_cast<int32_t>(block.high) + block.output_zero_point;
    const int32_t shift = lowest < 0 ? 128 : 0;
    zero_point = _mm512_set1_epi16(static_cast<int16_t>(block.output_zero_point + shift));
    minimum = _mm512_set1_epi8(static_cast<char>(lowest + shift));
    maximum = _mm512_set1_epi8(static_cast<char>(highest + shift));
    flip = _mm512_set1_epi8(static_cast<char>(shift));
    order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  }
  template <bool kSaturates>
  OCTET_INLINE void hold_all() {
    hold(zero_point), hold(order);
    if constexpr (!kSaturates) hold(minimum), hold(maximum), hold(flip);
  }
  // Whether saturation is all the clamping there is.
  OCTET_INLINE static bool saturate(const Block& block) {
    return static_cast<int32_t>(block.low) + block.output_zero_point == 0 && static_cast<int32_t>(block.high) + block.output_zero_point == 255;
  }
  OCTET_INLINE __m512i saturated(__m512i a, __m512i b, __m512i c, __m512i d) const {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_point);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero_point);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(ab, cd));
  }
  OCTET_INLINE __m512i pack(__m512i a, __m512i b, __m512i c, __m512i d) const {
    const __m512i bytes = _mm512_min_epu8(_mm512_max_epu8(saturated(a, b, c, d), minimum), maximum);
    return _mm512_xor_si512(bytes, flip);
  }
};

// The way from sums to the integers that are stored as bytes.
enum class Way { kBounded, kClamped, kResidual, kBuffered };

// The residual's formula (epilogue_int8.h) in registers, where no sum can leave int32: clamping rides on the packing.
struct AddResidual {
  __m512 own_low, own_high, own_multiplier, multiplier, offset;
  __m512i flip, exponent;

  static bool fits(const epilogue_int8::Residual& r) { return r.own_multiplier < 1e6f && r.multiplier < 1e6f; }
  OCTET_INLINE explicit AddResidual(const epilogue_int8::Residual& r)
      : own_low(_mm512_set1_ps(r.own_low)), own_high(_mm512_set1_ps(r.own_high)), own_multiplier(_mm512_set1_ps(r.own_multiplier)),
        multiplier(_mm512_set1_ps(r.multiplier)), offset(_mm512_set1_ps(static_cast<float>((1 << 23) + (r.is_signed ? 128 : 0) + r.zero_point))),
        flip(_mm512_set1_epi32(r.is_signed ? 128 : 0)), exponent(_mm512_set1_epi32(0x4b000000)) {}
  OCTET_INLINE void hold_all() {
    hold(own_low), hold(own_high), hold(own_multiplier), hold(multiplier), hold(offset), hold(flip), hold(exponent);
  }
  OCTET_INLINE __m512i add(__m512 v, const uint8_t* b) const {
    // (b xor flip) or exponent: the bits of 2^23 plus the byte.
    const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
    const __m512 other = _mm512_sub_ps(_mm512_castsi512_ps(_mm512_ternarylogic_epi32(bytes, flip, exponent, 0xbe)), offset);
    v = _mm512_min_ps(_mm512_max_ps(v, own_low), own_high);
    v = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm512_cvtps_epi32(_mm512_add_ps(_mm512_mul_ps(v, own_multiplier), _mm512_mul_ps(other, multiplier)));
  }
};

// A function, or a residual of huge factors: by way of memory, out of line, so that the tiles stay small. `values` has rows · kWide · 16 floats.
template <int kWide>
__attribute__((noinline)) void apply_epilogue(const Block& block, int64_t i, int64_t j, int64_t rows, float* values) {
  constexpr int64_t kRow = kWide * kLanes;
  if (block.function != nullptr) {
    epilogue_int8::x86_avx512vnni.function(*block.function, block.low, block.high, values, rows * kRow);
    return;
  }
  for (int64_t r = 0; r < rows; ++r, values += kRow)
    epilogue_int8::x86_avx512vnni.residual(*block.residual, block.low, block.high, values, block.residual_bytes + block.residual_offsets[i + r] + j, kRow);
}

template <Way kWay, int kRows, int kWide>
OCTET_INLINE inline void store_byte(const Block& block, int64_t i, int64_t j, int64_t columns, __m512i (&v)[kRows][kWide]) {
  const Scale<kWide> scale(block, j);
  const Bytes bytes(block);
  if constexpr (kWay == Way::kBuffered) {
    alignas(64) float values[kRows * kWide * kLanes];
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { _mm512_store_ps(values + (r * kWide + w) * kLanes, scale.apply(v[r][w], w)); });
    });
    apply_epilogue<kWide>(block, i, j, kRows, values);
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm512_load_si512(values + (r * kWide + w) * kLanes); });
    });
  } else if constexpr (kWay == Way::kResidual) {
    const AddResidual add(*block.residual);
    repeat<kRows>([&](auto r) OCTET_INLINE {
      const uint8_t* b = block.residual_bytes + block.residual_offsets[i + r] + j;
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = add.add(scale.apply(v[r][w], w), b + w * kLanes); });
    });
  } else {
    const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        if constexpr (kWay == Way::kBounded) {
          v[r][w] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(v[r][w]), scale.multiplier[w]));
        } else {
          v[r][w] = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(scale.apply(v[r][w], w), low), high));
        }
      });
    });
  }
  // 64 bytes are two rows of 32 columns or four of 16.
  constexpr int kAtOnce = 4 / kWide, kBytes = kWide * kLanes;
  const __mmask32 mask = static_cast<__mmask32>(columns >= 32 ? ~0u : (1u << columns) - 1);
  repeat<(kRows + kAtOnce - 1) / kAtOnce>([&](auto q) OCTET_INLINE {
    constexpr int first = q * kAtOnce, last = kRows - 1;
    __m512i packed;
    if constexpr (kWide == 2) {
      constexpr int second = first + 1 < last ? first + 1 : last;
      packed = bytes.pack(v[first][0], v[first][kWide - 1], v[second][0], v[second][kWide - 1]);
    } else {
      packed = bytes.pack(v[first][0], v[first + 1 < last ? first + 1 : last][0], v[first + 2 < last ? first + 2 : last][0],
                          v[first + 3 < last ? first + 3 : last][0]);
    }
    repeat<kAtOnce>([&](auto k) OCTET_INLINE {
      if constexpr (first + k < kRows) {
        uint8_t* c = static_cast<uint8_t*>(block.c) + block.c_offsets[i + first + k] + j;
        __m256i row;
        if constexpr (kWide == 2) {
          row = _mm512_extracti64x4_epi64(packed, k);
        } else {
          row = _mm256_castsi128_si256(_mm512_extracti32x4_epi32(packed, k));
        }
        if (columns < kBytes) {
          _mm256_mask_storeu_epi8(c, mask, row);
        } else if constexpr (kWide == 2) {
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(c), row);
        } else {
          _mm_storeu_si128(reinterpret_cast<__m128i*>(c), _mm256_castsi256_si128(row));
        }
      }
    });
  });
}

// Subtracts the row sums if there are any, and stores `columns` of the kWide · 16 columns.
template <int kRows, int kWide>
OCTET_INLINE inline void finish(const Block& block, int64_t i, int64_t j, int64_t columns, __m512i (&v)[kRows][kWide]) {
  if (block.row_sums != nullptr) {
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const __m512i zero_points = _mm512_loadu_si512(block.zero_points + j + w * kLanes);
      repeat<kRows>([&](auto r) OCTET_INLINE {
        const __m512i sum = _mm512_set1_epi32(block.row_sums[i + r]);
        v[r][w] = _mm512_sub_epi32(v[r][w], _mm512_mullo_epi32(sum, zero_points));
      });
    });
  }
  switch (block.output) {
    case Output::kInt32: return store_int32(block, i, j, columns, v);
    case Output::kFloat32: return store_float(block, i, j, columns, v);
    case Output::kByte:
      if (block.residual != nullptr && AddResidual::fits(*block.residual)) return store_byte<Way::kResidual>(block, i, j, columns, v);
      if (block.function != nullptr || block.residual != nullptr) return store_byte<Way::kBuffered>(block, i, j, columns, v);
      if (block.bounded && block.float_bias == nullptr) return store_byte<Way::kBounded>(block, i, j, columns, v);
      return store_byte<Way::kClamped>(block, i, j, columns, v);
  }
}

inline void pack_row(const void* const* sources, int64_t runs, int64_t count, uint8_t flip, void* row) {
  uint8_t* out = static_cast<uint8_t*>(row);
  const __m512i mask = _mm512_set1_epi8(static_cast<char>(flip));
  if (count <= 16) {
    for (int64_t r = 0; r < runs; ++r, out += count) {
      const __m128i x = _mm_loadu_si128(static_cast<const __m128i*>(sources[r]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_xor_si128(x, _mm512_castsi512_si128(mask)));
    }
    return;
  }
  for (int64_t r = 0; r < runs; ++r, out += count) {
    const uint8_t* in = static_cast<const uint8_t*>(sources[r]);
    for (int64_t i = 0; i < count; i += 64)
      _mm512_storeu_si512(out + i, _mm512_xor_si512(_mm512_loadu_si512(in + i), mask));
  }
}

}  // namespace

}  // namespace octet::kernels::gemm_int8
