// 8 rows × 8 columns (16 accumulators, 2 weight vectors, four channels of each row at a time).
#include <arm_neon.h>

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/unroll.h"

namespace octet::kernels::gemm_f32 {

namespace {

constexpr int64_t kLanes = 4, kColumns = 8, kMostRows = 8;

// kRows × (kWide · 4) outputs from row i, column j on; `columns` of them are real.
template <int kRows, int kWide>
void tile(const Block& block, int64_t i, int64_t j, int64_t columns, const float* b) {
  float32x4_t v[kRows][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = vdupq_n_f32(0); });
  });
  // Sums of the runs so far. The pointer is hidden from the compiler, or it would take registers for them that v needs.
  alignas(64) float sums[kRows * kWide * kLanes];
  float* sum = sums;
  asm("" : "+r"(sum));
  int64_t run = 0;      // products in v
  bool any = false;     // the sums hold something
  auto add_sums = [&]() OCTET_INLINE {
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = vaddq_f32(vld1q_f32(sum + (r * kWide + w) * kLanes), v[r][w]); });
    });
  };
  auto finish_run = [&]() OCTET_INLINE {
    if (any) add_sums();
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        vst1q_f32(sum + (r * kWide + w) * kLanes, v[r][w]);
        v[r][w] = vdupq_n_f32(0);
      });
    });
    any = true;
    run = 0;
  };
  for (int64_t t = 0; t < block.taps; ++t) {
    const float* a[kRows];
    repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const float*>(block.a[t * block.a_rows + i + r]); });
    for (int64_t c = 0; c < block.channels;) {
      const int64_t end = block.channels - c < block.run - run ? block.channels : c + block.run - run;
      run += end - c;
      for (; c + 4 <= end; c += 4) {
        float32x4_t x[kRows];
        repeat<kRows>([&](auto r) OCTET_INLINE { x[r] = vld1q_f32(a[r] + c); });
        repeat<4>([&](auto k) OCTET_INLINE {
          repeat<kWide>([&](auto w) OCTET_INLINE {
            const float32x4_t weights = vld1q_f32(b + w * kLanes);
            repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = vfmaq_laneq_f32(v[r][w], weights, x[r], k); });
          });
          b += kWide * kLanes;
        });
      }
      for (; c < end; ++c, b += kWide * kLanes) {
        repeat<kWide>([&](auto w) OCTET_INLINE {
          const float32x4_t weights = vld1q_f32(b + w * kLanes);
          repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = vfmaq_n_f32(v[r][w], weights, a[r][c]); });
        });
      }
      if (run == block.run) finish_run();
    }
  }
  if (any) add_sums();
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const float32x4_t bias = vld1q_f32(block.bias + j + w * kLanes);
    repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = vaddq_f32(v[r][w], bias); });
  });
  const float32x4_t low = vdupq_n_f32(block.low), high = vdupq_n_f32(block.high);
  // Comparisons and selections rather than fmax and fmin: those order -0 before +0, other machines do not.
  auto clamp = [&](float32x4_t y) OCTET_INLINE {
    y = vbslq_f32(vcgtq_f32(low, y), low, y);
    return vbslq_f32(vcltq_f32(high, y), high, y);
  };
  repeat<kRows>([&](auto r) OCTET_INLINE {
    const int64_t at = block.c_offsets[i + r] + j;
    repeat<kWide>([&](auto w) OCTET_INLINE {
      float* c = block.c + at + w * kLanes;
      const float* residual = block.residual == nullptr ? nullptr : block.residual + at + w * kLanes;
      const int64_t left = columns - w * kLanes;
      if (left >= kLanes) {
        vst1q_f32(c, clamp(residual == nullptr ? v[r][w] : vaddq_f32(v[r][w], vld1q_f32(residual))));
      } else {
        float some[kLanes] = {};
        if (residual != nullptr)
          for (int64_t k = 0; k < left; ++k) some[k] = residual[k];
        vst1q_f32(some, clamp(residual == nullptr ? v[r][w] : vaddq_f32(v[r][w], vld1q_f32(some))));
        for (int64_t k = 0; k < left; ++k) c[k] = some[k];
      }
    });
  });
}

using Tile = void (*)(const Block& block, int64_t i, int64_t j, int64_t columns, const float* b);

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
  for (int64_t j = 0; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    const Tile* tiles = columns > kLanes ? kWhole.of_rows : kNarrow.of_rows;
    for (int64_t i = 0, left = (block.m + kMostRows - 1) / kMostRows; left > 0; --left) {
      const int64_t rows = (block.m - i + left - 1) / left;
      tiles[rows - 1](block, i, j, columns, block.b + j * depth);
      i += rows;
    }
  }
}

}  // namespace

const Kernel arm_neon = {kMostRows, kColumns, kLanes, run};

}  // namespace octet::kernels::gemm_f32
