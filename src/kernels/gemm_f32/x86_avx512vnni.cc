// 12 rows × 32 columns (24 accumulators, 2 weight vectors); up to 3 rows: 128 columns of four panels, because such products wait
// for the weights, which come faster in several streams.
#include <immintrin.h>

#include "kernels/ahead.h"
#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels::gemm_f32 {

namespace {

constexpr int64_t kLanes = 16, kColumns = 32, kMostRows = 12, kFewRows = 3, kFewRowsPanels = 4;
constexpr int64_t kBetweenFetches = 32;   // channels: many lines at once would hold up the loads

// kRows × (kWide · 16) outputs from row i, column j on; `columns` of them are real. Columns beyond the first panel's 32 come from the
// next panels, `panel` floats apart.
template <int kRows, int kWide>
void tile(const Block& block, int64_t i, int64_t j, int64_t columns, const float* b, int64_t panel, Ahead& ahead) {
  constexpr int kInPanel = kWide < 2 ? kWide : 2;
  __m512 v[kRows][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = _mm512_setzero_ps(); });
  });
  // Sums of the runs so far. The pointer is hidden from the compiler, or it would take registers for them that v needs.
  alignas(64) float sums[kRows * kWide * kLanes];
  float* sum = sums;
  asm("" : "+r"(sum));
  int64_t run = 0;      // products in v
  bool any = false;     // the sums hold something
  auto add_sums = [&]() OCTET_INLINE {
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm512_add_ps(_mm512_load_ps(sum + (r * kWide + w) * kLanes), v[r][w]); });
    });
  };
  auto finish_run = [&]() OCTET_INLINE {
    if (any) add_sums();
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        _mm512_store_ps(sum + (r * kWide + w) * kLanes, v[r][w]);
        v[r][w] = _mm512_setzero_ps();
      });
    });
    any = true;
    run = 0;
  };
  const int64_t most = ahead.lines > 0 ? kBetweenFetches : block.run;
  for (int64_t t = 0; t < block.taps; ++t) {
    const float* a[kRows];
    repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const float*>(block.a[t * block.a_rows + i + r]); });
    for (int64_t c = 0; c < block.channels;) {
      const int64_t left = block.channels - c < block.run - run ? block.channels - c : block.run - run, end = c + (left < most ? left : most);
      run += end - c;
      // Counting up to zero saves the register that would hold the end: twelve rows take all there are.
      const float* x_end[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { x_end[r] = a[r] + end; });
      auto step = [&](int64_t k, const float* weight) OCTET_INLINE {
        __m512 weights[kWide];
        repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = _mm512_loadu_ps(weight + (w / 2) * panel + (w % 2) * kLanes); });
        repeat<kRows>([&](auto r) OCTET_INLINE {
          const __m512 x = _mm512_set1_ps(x_end[r][k]);
          repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm512_fmadd_ps(x, weights[w], v[r][w]); });
        });
      };
      int64_t k = c - end;
      if (k % 2 != 0) {
        step(k, b);
        b += kInPanel * kLanes;
        ++k;
      }
      for (; k != 0; k += 2, b += 2 * kInPanel * kLanes) {
        step(k, b);
        step(k + 1, b + kInPanel * kLanes);
      }
      c = end;
      ahead.fetch();
      if (run == block.run) finish_run();
    }
  }
  if (any) add_sums();
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m512 bias = _mm512_loadu_ps(block.bias + j + w * kLanes);
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = _mm512_add_ps(v[r][w], bias); });
  });
  const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
  const __mmask16 last = static_cast<__mmask16>((1u << (columns - (kWide - 1) * kLanes)) - 1);
  repeat<kRows>([&](auto r) OCTET_INLINE {
    const int64_t at = block.c_offsets[i + r] + j;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const __mmask16 mask = w + 1 == kWide ? last : static_cast<__mmask16>(0xffff);
      __m512 y = v[r][w];
      if (block.residual != nullptr)
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, block.residual + at + w * kLanes));
      // The second operand is the result when either is NaN.
      y = _mm512_min_ps(high, _mm512_max_ps(low, y));
      _mm512_mask_storeu_ps(block.c + at + w * kLanes, mask, y);
    });
  });
}

using Tile = void (*)(const Block& block, int64_t i, int64_t j, int64_t columns, const float* b, int64_t panel, Ahead& ahead);

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
  const int64_t depth = block.taps * block.channels;
  int64_t j = 0;
  if (block.m <= kFewRows) {
    Ahead none;
    constexpr int64_t kAtOnce = kFewRowsPanels * kColumns;
    for (; block.m > 0 && j + kAtOnce <= block.n; j += kAtOnce)
      kFew.of_rows[block.m - 1](block, 0, j, kAtOnce, block.b + j * depth, depth * kColumns, none);
  }
  for (; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    const Tile* tiles = columns > kLanes ? kWhole.of_rows : kNarrow.of_rows;
    const float* b = block.b + j * depth;
    int64_t left = (block.m + kMostRows - 1) / kMostRows;
    const int64_t panel = depth * (columns > kLanes ? kColumns : kLanes);
    Ahead ahead(b + panel, block.b_end, panel * static_cast<int64_t>(sizeof(float)), left, (depth + kBetweenFetches - 1) / kBetweenFetches);
    // Equal shares of the rows: a last tile of one row would cost as much as four.
    for (int64_t i = 0; left > 0; --left) {
      const int64_t rows = (block.m - i + left - 1) / left;
      tiles[rows - 1](block, i, j, columns, b, 0, ahead);
      i += rows;
    }
  }
}

}  // namespace

const Kernel x86_avx512vnni = {kMostRows, kColumns, kLanes, run, true};

}  // namespace octet::kernels::gemm_f32
