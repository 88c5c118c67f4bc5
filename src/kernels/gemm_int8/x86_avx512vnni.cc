// 12 rows × 32 columns: 24 accumulators of 16 × int32, 2 weight vectors, vpdpbusd on four channels at a time. Up to 3 rows: 128
// columns of four panels, because such products wait for the weights, which come faster in several streams.
#include <cstring>

#include "kernels/ahead.h"
#include "kernels/gemm_int8/x86_512.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kMostRows = 12, kFewRows = 3, kFewRowsPanels = 4;
constexpr int64_t kBetweenFetches = 256;   // channels: more lines at once than the caches take would hold up the loads

OCTET_INLINE inline __m512i load_group(const uint8_t* a) {
  int32_t group;
  std::memcpy(&group, a, sizeof group);
  return _mm512_set1_epi32(group);
}

// kRows × (kWide · 16) outputs from row i, column j on; `columns` of them are real. Columns beyond the first panel's 32 come from the
// next panels, `panel` bytes apart.
template <int kRows, int kWide>
void tile(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b, int64_t panel, Ahead& ahead) {
  constexpr int kInPanel = kWide < 2 ? kWide : 2;
  constexpr int64_t kStep = kInPanel * kLanes * kGroup;   // bytes of weights for one group of channels
  __m512i v[kRows][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m512i bias = _mm512_loadu_si512(block.bias + j + w * kLanes);
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = bias; });
  });
  for (int64_t t = 0; t < block.taps; ++t) {
    const uint8_t* a[kRows];
    repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const uint8_t*>(block.a[t * block.a_rows + i + r]); });
    const int64_t channels = (block.channels + kGroup - 1) / kGroup * kGroup;
    for (int64_t c = 0; c < channels;) {
      const int64_t end = channels - c < kBetweenFetches ? channels : c + kBetweenFetches;
      // Counting up to zero saves the register that would hold the end: twelve rows take all there are.
      const uint8_t* x_end[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { x_end[r] = a[r] + end; });
      auto step = [&](int64_t k, const int8_t* weight) OCTET_INLINE {
        __m512i weights[kWide];
        repeat<kWide>([&](auto w) OCTET_INLINE {
          weights[w] = _mm512_loadu_si512(weight + (w / 2) * panel + (w % 2) * kLanes * kGroup);
        });
        repeat<kRows>([&](auto r) OCTET_INLINE {
          const __m512i x = load_group(x_end[r] + k);
          repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm512_dpbusd_epi32(v[r][w], x, weights[w]); });
        });
      };
      int64_t k = c - end;
      if (k % (2 * kGroup) != 0) {
        step(k, b);
        b += kStep;
        k += kGroup;
      }
      for (; k != 0; k += 2 * kGroup, b += 2 * kStep) {
        step(k, b);
        step(k + kGroup, b + kStep);
      }
      c = end;
      ahead.fetch();
    }
  }
  if constexpr (kWide <= 2) {
    finish(block, i, j, columns, v);
  } else {
    repeat<kWide / 2>([&](auto p) OCTET_INLINE {
      __m512i part[kRows][2];
      repeat<kRows>([&](auto r) OCTET_INLINE {
        part[r][0] = v[r][2 * p];
        part[r][1] = v[r][2 * p + 1];
      });
      finish(block, i, j + p * kColumns, kColumns, part);
    });
  }
}

using Tile = void (*)(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b, int64_t panel, Ahead& ahead);

// tile<1, kWide> ... tile<kMost, kWide>
template <int kWide, int64_t kMost>
struct Tiles {
  Tile of_rows[kMost] = {};
  constexpr Tiles() {
    repeat<kMost>([&](auto r) { of_rows[r] = tile<r + 1, kWide>; });
  }
};
constexpr Tiles<1, kMostRows> kNarrow;
constexpr Tiles<2, kMostRows> kWhole;
constexpr Tiles<2 * kFewRowsPanels, kFewRows> kFew;

void run(const Block& block) {
  const int64_t column_bytes = block.taps * ((block.channels + kGroup - 1) / kGroup * kGroup);
  int64_t j = 0;
  if (block.m <= kFewRows) {
    Ahead none;
    constexpr int64_t kAtOnce = kFewRowsPanels * kColumns;
    for (; block.m > 0 && j + kAtOnce <= block.n; j += kAtOnce)
      kFew.of_rows[block.m - 1](block, 0, j, kAtOnce, block.b + j * column_bytes, column_bytes * kColumns, none);
  }
  for (; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    const Tile* tiles = columns > kLanes ? kWhole.of_rows : kNarrow.of_rows;
    const int8_t* b = block.b + j * column_bytes;
    int64_t left = (block.m + kMostRows - 1) / kMostRows;
    const int64_t panel = column_bytes * (columns > kLanes ? kColumns : kLanes);
    Ahead ahead(b + panel, block.b_end, panel, left, block.taps * ((block.channels + kBetweenFetches - 1) / kBetweenFetches));
    // Equal shares of the rows: a last tile of one row would cost as much as four.
    for (int64_t i = 0; left > 0; --left) {
      const int64_t rows = (block.m - i + left - 1) / left;
      tiles[rows - 1](block, i, j, columns, b, panel, ahead);
      i += rows;
    }
  }
}

}  // namespace

const Kernel x86_avx512vnni = {kMostRows, kColumns, kLanes, kGroup, kGroup, InputForm::kUnsigned, 1, run, pack_row, nullptr, true};

}  // namespace octet::kernels::gemm_int8
