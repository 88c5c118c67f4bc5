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

// Low bytes of 16 (or 8, with kWide 1) values in [-128, 255].
template <int kRows, int kWide>
OCTET_INLINE inline void store_byte(const Block& block, int64_t i, int64_t j, int64_t columns, __m256i (&v)[kRows][kWide]) {
  const Scale<kWide> scale(block, j);
  const __m256 low = _mm256_set1_ps(block.low), high = _mm256_set1_ps(block.high);
  const __m256i zero_point = _mm256_set1_epi32(block.output_zero_point), byte = _mm256_set1_epi32(0xff);
  repeat<kRows>([&](auto r) OCTET_INLINE {
    __m256i q[kWide];
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const __m256 y = _mm256_min_ps(_mm256_max_ps(scale.apply(v[r][w], w), low), high);
      q[w] = _mm256_and_si256(_mm256_add_epi32(_mm256_cvtps_epi32(y), zero_point), byte);
    });
    // Pack instructions work within 128-bit halves: words 0 1 2 3 | 4 5 6 7 of both vectors, put in order by the permutation.
    __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(q[0], q[kWide - 1]), 0xd8);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    uint8_t* c = static_cast<uint8_t*>(block.c) + block.c_offsets[i + r] + j;
    if (columns >= kWide * kLanes) {
      if constexpr (kWide == 2) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(c), bytes);
      } else {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(c), bytes);
      }
    } else {
      alignas(16) uint8_t all[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(all), bytes);
      for (int64_t k = 0; k < columns; ++k) c[k] = all[k];
    }
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
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm256_castps_si256(scale.apply(v[r][w], w)); });
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

template <template <int, int> class Tile, int64_t kGroup>
void run_tiles(const Block& block) {
  static constexpr Tiles<Tile, 1> kNarrow;
  static constexpr Tiles<Tile, 2> kWhole;
  const int64_t column_bytes = block.taps * ((block.channels + kGroup - 1) / kGroup * kGroup);
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
