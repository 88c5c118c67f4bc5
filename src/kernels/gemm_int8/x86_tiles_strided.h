// Products of rows that lie at equal distances: two tiles of sixteen positions × two of sixteen columns in four accumulators, every
// operand loaded from where it lies. While the tiles of one block multiply, the vector units finish the block before and the weights
// of the next panel are fetched.
#pragma once

#include <type_traits>

#include "kernels/gemm_int8/x86_tiles.h"
#include "kernels/gemm_int8/x86_tiles_plain.h"

namespace octet::kernels::gemm_int8 {

namespace {

// Cache lines to fetch, a few in every step.
struct Prefetch {
  const int8_t* next = nullptr;
  int64_t lines = 0;   // in every step

  void step() {
    for (int64_t q = 0; q < lines; ++q) _mm_prefetch(reinterpret_cast<const char*>(next + q * 64), _MM_HINT_T1);
    next += lines * 64;
  }
};

// One or two tiles of positions: where each begins, and how many rows of the product lie in it.
struct TilePair {
  int64_t start[2] = {}, rows[2] = {};
};

// The pair that begins with row i; writes where its rows will be among the sums.
inline TilePair next_pair(const Strided& s, int64_t i, int64_t m, int32_t* starts) {
  TilePair pair;
  const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int tile = 0; tile < 2 && i < m; ++tile) {
    const __m512i positions = s.positions != nullptr ? _mm512_loadu_si512(s.positions + i)
                                                     : _mm512_add_epi32(_mm512_set1_epi32(static_cast<int32_t>(i)), count);
    const int64_t first = s.positions != nullptr ? s.positions[i] : i;
    const int64_t start = first < s.last_start ? first : s.last_start;
    const __m512i begin = _mm512_set1_epi32(static_cast<int32_t>(start));
    const __mmask16 inside =
        _mm512_cmplt_epi32_mask(positions, _mm512_set1_epi32(static_cast<int32_t>(start + kTileRows))) & first_lanes(m - i);
    const __m512i rows = _mm512_add_epi32(_mm512_sub_epi32(positions, begin), _mm512_set1_epi32(tile * static_cast<int>(kTileRows)));
    _mm512_storeu_si512(starts, _mm512_slli_epi32(rows, 5));
    pair.start[tile] = start;
    pair.rows[tile] = __builtin_popcount(inside);
    starts += pair.rows[tile];
    i += pair.rows[tile];
  }
  return pair;
}

template <bool kSigned, int kHigh, int kWide>
void multiply_strided(TileUnit& unit, const Block& block, const Strided& s, const TilePair& pair, int64_t j, const int8_t* b,
                      Pending& pending, Prefetch& prefetch) {
  constexpr int64_t kWidth = kWide * kLanes * kGroup;   // bytes from one row of a weight tile to the next
  const int64_t stride = s.position_bytes, step_weights = s.step_bytes / kGroup * kWidth;
  const uint8_t* first = s.base + pair.start[0] * stride;
  const uint8_t* second = s.base + pair.start[1] * stride;
  unit.load<0>(block.bias + j, 0);
  if constexpr (kHigh == 2) unit.load<2>(block.bias + j, 0);
  if constexpr (kWide == 2) {
    unit.load<1>(block.bias + j + kLanes, 0);
    if constexpr (kHigh == 2) unit.load<3>(block.bias + j + kLanes, 0);
  }
  // The block before is finished in equal pieces, the last of them in the last step.
  int64_t owed = s.steps - 1;
  const int64_t pieces = pending.pieces();
  for (int64_t k = 0; k < s.steps; ++k, b += step_weights) {
    const int64_t offset = s.offsets[k];
    unit.load<4>(first + offset, stride);
    unit.load<6>(b, kWidth);
    if constexpr (kHigh == 2) unit.load<5>(second + offset, stride);
    if constexpr (kWide == 2) unit.load<7>(b + kTileBytes, kWidth);
    unit.multiply<0, 4, 6>(kSigned);
    if constexpr (kHigh == 2) unit.multiply<2, 5, 6>(kSigned);
    if constexpr (kWide == 2) {
      unit.multiply<1, 4, 7>(kSigned);
      if constexpr (kHigh == 2) unit.multiply<3, 5, 7>(kSigned);
    }
    prefetch.step();
    for (owed += pieces; owed >= s.steps; owed -= s.steps) pending.advance();
  }
  pending.finish_all();
  int32_t* sums = pending.sums();
  constexpr int64_t kSumsStride = kColumns * 4;
  unit.store<0>(sums, kSumsStride);
  if constexpr (kWide == 2) unit.store<1>(sums + kLanes, kSumsStride);
  if constexpr (kHigh == 2) {
    unit.store<2>(sums + kTileRows * kColumns, kSumsStride);
    if constexpr (kWide == 2) unit.store<3>(sums + kTileRows * kColumns + kLanes, kSumsStride);
  }
}

// Stands where PlainEnding does not suit.
struct NoEnding {
  OCTET_INLINE NoEnding(const Block&, PlainSums*) {}
  OCTET_INLINE void finish_all() {}
};

template <bool kSigned, int kSteps, typename Ending>
void run_strided_as(const Block& block, const Strided& s) {
  TileUnit unit(s.step_bytes);
  Pending pending(block);
  PlainSums two[2];
  Ending plain(block, two);
  const int64_t column_bytes = s.steps * s.step_bytes, panel_lines = kColumns * column_bytes / 64;
  const int64_t pairs = (block.m + 2 * kTileRows - 1) / (2 * kTileRows);
  for (int64_t outer = 0; outer < block.n; outer += s.inner_columns) {
    const int64_t end = outer + s.inner_columns < block.n ? outer + s.inner_columns : block.n;
    // Whole panels one after the other: the next one is fetched while all rows pass by. Otherwise the first rows fetch for the rest.
    const bool single = s.inner_columns <= kColumns;
    Prefetch prefetch;
    if (single && end < block.n) {
      prefetch.next = block.b + end * column_bytes;
      prefetch.lines = (panel_lines + pairs * s.steps - 1) / (pairs * s.steps);
    }
    for (int64_t i = 0; i < block.m;) {
      int64_t rows = 0;
      for (int64_t j = outer; j < end; j += kColumns) {
        const int64_t columns = end - j < kColumns ? end - j : kColumns;
        const int8_t* b = block.b + j * column_bytes;
        if (!single) {
          prefetch.next = b + kColumns * column_bytes;
          prefetch.lines = i == 0 && j + kColumns < block.n ? (panel_lines + s.steps - 1) / s.steps : 0;
        }
        if constexpr (!std::is_same_v<Ending, NoEnding>) {
          if (columns == kColumns && block.m - i > kTileRows) {
            const TilePair pair = next_pair(s, i, block.m, plain.next().starts);
            rows = pair.rows[0] + pair.rows[1];
            plain.announce(i, rows);
            pending.finish_all();
            multiply_plain<kSigned, kSteps>(unit, block.bias + j, s, s.base + pair.start[0] * s.position_bytes,
                                            s.base + pair.start[1] * s.position_bytes, b, plain, prefetch);
            plain.set(rows, j);
            continue;
          }
        }
        plain.finish_all();
        const TilePair pair = next_pair(s, i, block.m, pending.starts());
        if (columns > kLanes) {
          if (pair.rows[1] > 0) {
            multiply_strided<kSigned, 2, 2>(unit, block, s, pair, j, b, pending, prefetch);
          } else {
            multiply_strided<kSigned, 1, 2>(unit, block, s, pair, j, b, pending, prefetch);
          }
        } else if (pair.rows[1] > 0) {
          multiply_strided<kSigned, 2, 1>(unit, block, s, pair, j, b, pending, prefetch);
        } else {
          multiply_strided<kSigned, 1, 1>(unit, block, s, pair, j, b, pending, prefetch);
        }
        rows = pair.rows[0] + pair.rows[1];
        pending.set(i, rows, j, columns);
      }
      i += rows;
    }
  }
  pending.finish_all();
  plain.finish_all();
}

template <bool kSigned, typename Ending>
void run_strided_plain(const Block& block, const Strided& s) {
  switch (s.steps) {
    case 1: return run_strided_as<kSigned, 1, Ending>(block, s);
    case 2: return run_strided_as<kSigned, 2, Ending>(block, s);
    case 3: return run_strided_as<kSigned, 3, Ending>(block, s);
    default: return run_strided_as<kSigned, 0, Ending>(block, s);
  }
}

template <bool kSigned>
void run_strided_signed(const Block& block, const Strided& s) {
  if (PlainEnding<true, true>::suits(block)) {
    return Bytes::saturate(block) ? run_strided_plain<kSigned, PlainEnding<true, true>>(block, s)
                                  : run_strided_plain<kSigned, PlainEnding<false, true>>(block, s);
  }
  if (!PlainEnding<true>::suits(block)) return run_strided_as<kSigned, 0, NoEnding>(block, s);
  if (Bytes::saturate(block)) {
    run_strided_plain<kSigned, PlainEnding<true>>(block, s);
  } else {
    run_strided_plain<kSigned, PlainEnding<false>>(block, s);
  }
}

void run_strided(const Block& block, const Strided& rows) {
  if (block.input_signed) {
    run_strided_signed<true>(block, rows);
  } else {
    run_strided_signed<false>(block, rows);
  }
}

}  // namespace

}  // namespace octet::kernels::gemm_int8
