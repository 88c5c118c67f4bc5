// 12 rows × 32 columns: 24 accumulators of 16 × int32, 2 weight vectors, vpdpbusd on four channels at a time.
#include <cstring>

#include "kernels/gemm_int8/x86_512.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kMostRows = 12;

OCTET_INLINE inline __m512i load_group(const uint8_t* a) {
  int32_t group;
  std::memcpy(&group, a, sizeof group);
  return _mm512_set1_epi32(group);
}

template <int kRows, int kWide>
void tile(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b) {
  __m512i v[kRows][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m512i bias = _mm512_loadu_si512(block.bias + j + w * kLanes);
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = bias; });
  });
  for (int64_t t = 0; t < block.taps; ++t) {
    const uint8_t* a[kRows];
    repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const uint8_t*>(block.a[t * block.a_rows + i + r]); });
    for (int64_t c = 0; c < block.channels; c += kGroup, b += kWide * kLanes * kGroup) {
      __m512i weights[kWide];
      repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = _mm512_loadu_si512(b + w * kLanes * kGroup); });
      repeat<kRows>([&](auto r) OCTET_INLINE {
        const __m512i x = load_group(a[r] + c);
        repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm512_dpbusd_epi32(v[r][w], x, weights[w]); });
      });
    }
  }
  finish(block, i, j, columns, v);
}

using Tile = void (*)(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b);

// tile<1, kWide> ... tile<kMostRows, kWide>
template <int kWide>
struct Tiles {
  Tile of_rows[kMostRows] = {};
  constexpr Tiles() {
    repeat<kMostRows>([&](auto r) { of_rows[r] = tile<r + 1, kWide>; });
  }
};
constexpr Tiles<1> kNarrow;
constexpr Tiles<2> kWhole;

void run(const Block& block) {
  const int64_t column_bytes = block.taps * ((block.channels + kGroup - 1) / kGroup * kGroup);
  for (int64_t j = 0; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    const Tile* tiles = columns > kLanes ? kWhole.of_rows : kNarrow.of_rows;
    // Equal shares of the rows: a last tile of one row would cost as much as four.
    for (int64_t i = 0, left = (block.m + kMostRows - 1) / kMostRows; left > 0; --left) {
      const int64_t rows = (block.m - i + left - 1) / left;
      tiles[rows - 1](block, i, j, columns, block.b + j * column_bytes);
      i += rows;
    }
  }
}

}  // namespace

const Kernel x86_avx512vnni = {kMostRows, kColumns, kLanes, kGroup, kGroup, InputForm::kUnsigned, 1, run, pack_row};

}  // namespace octet::kernels::gemm_int8
