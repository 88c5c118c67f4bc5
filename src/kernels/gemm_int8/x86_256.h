// What the 256-bit kernels share: 6 rows × 16 columns, and what happens to the sums. Included by them alone: compiled for
// each level, hence the anonymous namespace.
#pragma once

#include <immintrin.h>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kLanes = 8, kColumns = 16, kMostRows = 6;

// The first `count` of eight lanes.
inline __m256i first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

template <int kWide>
struct Scale {
  __m256 multiplier[kWide], bias[kWide];
  bool has_bias;

  OCTET_INLINE Scale(const Block& block, int64_t j) : has_bias(block.float_bias != nullptr) {
    repeat<kWide>([&](auto w) OCTET_INLINE {
      multiplier[w] = _mm256_loadu_ps(block.multiplier + j + w * kLanes);
      bias[w] = has_bias ? _mm256_loadu_ps(block.float_bias + j + w * kLanes) : _mm256_setzero_ps();
    });
  }
  OCTET_INLINE __m256 apply(__m256i acc, int w) const {
    __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier[w]);
    return has_bias ? _mm256_add_ps(y, bias[w]) : y;
  }
};

OCTET_INLINE inline void store_word(int32_t* c, __m256i v, int64_t columns) {
  if (columns >= kLanes) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c), v);
  } else {
    _mm256_maskstore_epi32(c, first_lanes(columns), v);
  }
}

// Two rows of 16 int32 (or four of 8) to 32 bytes: saturates to 16 bits, adds the zero point, saturates to unsigned bytes and
// clamps. Signed outputs take the same way 128 higher and have their top bit flipped at the end.
struct Bytes {
  __m256i zero_point, minimum, maximum, flip;

  OCTET_INLINE explicit Bytes(const Block& block) {
    const int32_t lowest = static_cast<int32_t>(block.low) + block.output_zero_point;
    const int32_t highest = static_cast<int32_t>(block.high) + block.output_zero_point;
    const int32_t shift = lowest < 0 ? 128 : 0;
    zero_point = _mm256_set1_epi16(static_cast<int16_t>(block.output_zero_point + shift));
    minimum = _mm256_set1_epi8(static_cast<char>(lowest + shift));
    maximum = _mm256_set1_epi8(static_cast<char>(highest + shift));
    flip = _mm256_set1_epi8(static_cast<char>(shift));
  }
  OCTET_INLINE __m256i pack(__m256i a, __m256i b, __m256i c, __m256i d, __m256i order) const {
    const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero_point);
    const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero_point);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), order);
    bytes = _mm256_min_epu8(_mm256_max_epu8(bytes, minimum), maximum);
    return _mm256_xor_si256(bytes, flip);
  }
};

// A function or a residual: by way of memory, out of line, so that the tiles stay small. `values` has kRows · kWide · 8 floats,
// rounded up to a multiple of 16.
template <int kRows, int kWide>
__attribute__((noinline)) void apply_epilogue(const Block& block, int64_t i, int64_t j, float* values) {
  constexpr int64_t kRow = kWide * kLanes, kCount = (kRows * kRow + 15) / 16 * 16;
  if (block.function != nullptr) {
    epilogue_int8::x86_avx2.function(*block.function, block.low, block.high, values, kCount);
    return;
  }
  uint8_t residual[kCount + 8] = {};
  for (int64_t r = 0; r < kRows; ++r) {
    const uint8_t* from = block.residual_bytes + block.residual_offsets[i + r] + j;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(residual + r * kRow), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  epilogue_int8::x86_avx2.residual(*block.residual, block.low, block.high, values, residual, kCount);
}

template <int kRows, int kWide>
OCTET_INLINE inline void store_byte(const Block& block, int64_t i, int64_t j, int64_t columns, __m256i (&v)[kRows][kWide]) {
  const Scale<kWide> scale(block, j);
  const Bytes bytes(block);
  if (block.function != nullptr || block.residual != nullptr) {
    alignas(64) float values[(kRows * kWide * kLanes + 15) / 16 * 16];
    if constexpr (kRows * kWide % 2 != 0) _mm256_store_ps(values + kRows * kWide * kLanes, _mm256_setzero_ps());
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { _mm256_store_ps(values + (r * kWide + w) * kLanes, scale.apply(v[r][w], w)); });
    });
    apply_epilogue<kRows, kWide>(block, i, j, values);
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        v[r][w] = _mm256_castps_si256(_mm256_load_ps(values + (r * kWide + w) * kLanes));
      });
    });
  } else {
    const __m256 low = _mm256_set1_ps(block.low), high = _mm256_set1_ps(block.high);
    const bool plain = block.bounded && !scale.has_bias;
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(v[r][w]), scale.multiplier[w]);
        if (!plain) y = _mm256_min_ps(_mm256_max_ps(scale.has_bias ? _mm256_add_ps(y, scale.bias[w]) : y, low), high);
        v[r][w] = _mm256_cvtps_epi32(y);
      });
    });
  }
  // 32 bytes are two rows of 16 columns or four of 8. Packing works within 128-bit halves; `order` puts the rows together.
  constexpr int kAtOnce = 4 / kWide, kBytes = kWide * kLanes;
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  repeat<(kRows + kAtOnce - 1) / kAtOnce>([&](auto q) OCTET_INLINE {
    constexpr int first = q * kAtOnce, last = kRows - 1;
    __m256i packed;
    if constexpr (kWide == 2) {
      constexpr int second = first + 1 < last ? first + 1 : last;
      packed = bytes.pack(v[first][0], v[first][kWide - 1], v[second][0], v[second][kWide - 1], order);
    } else {
      packed = bytes.pack(v[first][0], v[first + 1 < last ? first + 1 : last][0], v[first + 2 < last ? first + 2 : last][0],
                          v[first + 3 < last ? first + 3 : last][0], order);
    }
    repeat<kAtOnce>([&](auto k) OCTET_INLINE {
      if constexpr (first + k < kRows) {
        uint8_t* c = static_cast<uint8_t*>(block.c) + block.c_offsets[i + first + k] + j;
        __m128i half = _mm256_extracti128_si256(packed, (k * kBytes) / 16);
        if constexpr (k * kBytes % 16 != 0) half = _mm_unpackhi_epi64(half, half);
        if (columns < kBytes) {
          alignas(16) uint8_t all[16];
          _mm_store_si128(reinterpret_cast<__m128i*>(all), half);
          for (int64_t n = 0; n < columns; ++n) c[n] = all[n];
        } else if constexpr (kWide == 2) {
          _mm_storeu_si128(reinterpret_cast<__m128i*>(c), half);
        } else {
          _mm_storel_epi64(reinterpret_cast<__m128i*>(c), half);
        }
      }
    });
  });
}

// Subtracts the row sums if there are any, and stores `columns` of the kWide · 8 columns.
template <int kRows, int kWide>
OCTET_INLINE inline void finish(const Block& block, int64_t i, int64_t j, int64_t columns, __m256i (&v)[kRows][kWide]) {
  if (block.row_sums != nullptr) {
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const __m256i zero_points = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.zero_points + j + w * kLanes));
      repeat<kRows>([&](auto r) OCTET_INLINE {
        v[r][w] = _mm256_sub_epi32(v[r][w], _mm256_mullo_epi32(_mm256_set1_epi32(block.row_sums[i + r]), zero_points));
      });
    });
  }
  if (block.output == Output::kByte) {
    store_byte(block, i, j, columns, v);
    return;
  }
  if (block.output == Output::kFloat32) {
    const Scale<kWide> scale(block, j);
    const __m256 low = _mm256_set1_ps(block.low), high = _mm256_set1_ps(block.high);
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        v[r][w] = _mm256_castps_si256(_mm256_min_ps(high, _mm256_max_ps(low, scale.apply(v[r][w], w))));   // NaN stays
      });
    });
  }
  repeat<kRows>([&](auto r) OCTET_INLINE {
    int32_t* c = static_cast<int32_t*>(block.c) + block.c_offsets[i + r] + j;
    repeat<kWide>([&](auto w) OCTET_INLINE { store_word(c + w * kLanes, v[r][w], columns - w * kLanes); });
  });
}

template <int kWide, int kRows>
OCTET_INLINE inline void start(const Block& block, int64_t j, __m256i (&v)[kRows][kWide]) {
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m256i bias = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.bias + j + w * kLanes));
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = bias; });
  });
}

using TileFunction = void (*)(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b);

// Tile<rows, wide>::run for 1 ... kMostRows rows.
template <template <int, int> class Tile, int kWide>
struct Tiles {
  TileFunction of_rows[kMostRows] = {};
  constexpr Tiles() {
    repeat<kMostRows>([&](auto r) { of_rows[r] = Tile<r + 1, kWide>::run; });
  }
};

template <template <int, int> class Tile, int64_t kGroup, int64_t kWeightBytes = 1>
void run_tiles(const Block& block) {
  static constexpr Tiles<Tile, 1> kNarrow;
  static constexpr Tiles<Tile, 2> kWhole;
  const int64_t column_bytes = block.taps * ((block.channels + kGroup - 1) / kGroup * kGroup) * kWeightBytes;
  for (int64_t j = 0; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    const TileFunction* tiles = columns > kLanes ? kWhole.of_rows : kNarrow.of_rows;
    for (int64_t i = 0, left = (block.m + kMostRows - 1) / kMostRows; left > 0; --left) {
      const int64_t rows = (block.m - i + left - 1) / left;
      tiles[rows - 1](block, i, j, columns, block.b + j * column_bytes);
      i += rows;
    }
  }
}

}  // namespace

}  // namespace octet::kernels::gemm_int8
