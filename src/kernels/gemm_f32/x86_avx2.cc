// 6 rows × 16 columns (12 accumulators, 2 weight vectors).
#include <immintrin.h>

#include "kernels/ahead.h"
#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels::gemm_f32 {

namespace {

constexpr int64_t kLanes = 8, kColumns = 16, kMostRows = 6;

// The first `count` of eight lanes.
__m256i first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

OCTET_INLINE inline void finish(const Block& block, int64_t at, __m256 y, int64_t columns) {
  const __m256 low = _mm256_set1_ps(block.low), high = _mm256_set1_ps(block.high);
  const bool whole = columns >= kLanes;
  if (block.residual != nullptr) {
    const float* residual = block.residual + at;
    y = _mm256_add_ps(y, whole ? _mm256_loadu_ps(residual) : _mm256_maskload_ps(residual, first_lanes(columns)));
  }
  // The second operand is the result when either is NaN.
  y = _mm256_min_ps(high, _mm256_max_ps(low, y));
  if (whole) {
    _mm256_storeu_ps(block.c + at, y);
  } else {
    _mm256_maskstore_ps(block.c + at, first_lanes(columns), y);
  }
}

// kRows × (kWide · 8) outputs from row i, column j on; `columns` of them are real. Columns beyond the first panel's 16 come
// from the next panels, `panel` floats apart.
template <int kRows, int kWide>
void tile(const Block& block, int64_t i, int64_t j, int64_t columns, const float* b, int64_t panel, Ahead& ahead) {
  constexpr int kInPanel = kWide < 2 ? kWide : 2;
  __m256 v[kRows][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = _mm256_setzero_ps(); });
  });
  // Sums of the runs so far. The pointer is hidden from the compiler, or it would take registers for them that v needs.
  alignas(64) float sums[kRows * kWide * kLanes];
  float* sum = sums;
  asm("" : "+r"(sum));
  int64_t run = 0;      // products in v
  bool any = false;     // the sums hold something
  auto add_sums = [&]() OCTET_INLINE {
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm256_add_ps(_mm256_load_ps(sum + (r * kWide + w) * kLanes), v[r][w]); });
    });
  };
  auto finish_run = [&]() OCTET_INLINE {
    if (any) add_sums();
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        _mm256_store_ps(sum + (r * kWide + w) * kLanes, v[r][w]);
        v[r][w] = _mm256_setzero_ps();
      });
    });
    any = true;
    run = 0;
    ahead.fetch();
  };
  for (int64_t t = 0; t < block.taps; ++t) {
    const float* a[kRows];
    repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const float*>(block.a[t * block.a_rows + i + r]); });
    for (int64_t c = 0; c < block.channels;) {
      const int64_t end = block.channels - c < block.run - run ? block.channels : c + block.run - run;
      run += end - c;
      const float* x_end[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { x_end[r] = a[r] + end; });
      auto step = [&](int64_t k, const float* weight) OCTET_INLINE {
        __m256 weights[kWide];
        repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = _mm256_loadu_ps(weight + (w / 2) * panel + (w % 2) * kLanes); });
        repeat<kRows>([&](auto r) OCTET_INLINE {
          const __m256 x = _mm256_broadcast_ss(x_end[r] + k);
          repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm256_fmadd_ps(x, weights[w], v[r][w]); });
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
      if (run == block.run) finish_run();
    }
  }
  if (any) add_sums();
  if (run != 0) ahead.fetch();
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const __m256 bias = _mm256_loadu_ps(block.bias + j + w * kLanes);
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = _mm256_add_ps(v[r][w], bias); });
  });
  repeat<kRows>([&](auto r) OCTET_INLINE {
    const int64_t at = block.c_offsets[i + r] + j;
    repeat<kWide>([&](auto w) OCTET_INLINE { finish(block, at + w * kLanes, v[r][w], columns - w * kLanes); });
  });
}

using Tile = void (*)(const Block& block, int64_t i, int64_t j, int64_t columns, const float* b, int64_t panel, Ahead& ahead);

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
  const int64_t depth = block.taps * block.channels;
  int64_t j = 0;
  // A single row: four panels at a time, or the chain of additions is what one waits for.
  Ahead none;
  if (block.m == 1)
    for (; j + 4 * kColumns <= block.n; j += 4 * kColumns)
      tile<1, 8>(block, 0, j, 4 * kColumns, block.b + j * depth, depth * kColumns, none);
  for (; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    const Tile* tiles = columns > kLanes ? kWhole.of_rows : kNarrow.of_rows;
    const float* b = block.b + j * depth;
    int64_t left = (block.m + kMostRows - 1) / kMostRows;
    const int64_t panel = depth * (columns > kLanes ? kColumns : kLanes);
    Ahead ahead(b + panel, block.b_end, panel * static_cast<int64_t>(sizeof(float)), left, (depth + block.run - 1) / block.run);
    // Equal shares of the rows: a last tile of one row would cost as much as three.
    for (int64_t i = 0; left > 0; --left) {
      const int64_t rows = (block.m - i + left - 1) / left;
      tiles[rows - 1](block, i, j, columns, b, 0, ahead);
      i += rows;
    }
  }
}

}  // namespace

const Kernel x86_avx2 = {kMostRows, kColumns, kLanes, run, true};

}  // namespace octet::kernels::gemm_f32
