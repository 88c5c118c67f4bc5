// What the ARM kernels share: 8 rows × 8 columns, and what happens to the sums. Included by them alone: compiled for each level,
// hence the anonymous namespace.
#pragma once

#include <arm_neon.h>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kLanes = 4, kColumns = 8, kMostRows = 8;

OCTET_INLINE inline float32x4_t scale(const Block& block, int64_t j, int32x4_t acc) {
  const float32x4_t y = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(block.multiplier + j));
  return block.float_bias == nullptr ? y : vaddq_f32(y, vld1q_f32(block.float_bias + j));
}

OCTET_INLINE inline void store_words(int32_t* c, int32x4_t v, int64_t columns) {
  if (columns >= kLanes) {
    vst1q_s32(c, v);
    return;
  }
  int32_t all[kLanes];
  vst1q_s32(all, v);
  for (int64_t k = 0; k < columns; ++k) c[k] = all[k];
}

// [low, high]; NaN stays.
OCTET_INLINE inline float32x4_t limit(const Block& block, float32x4_t y) {
  const float32x4_t low = vdupq_n_f32(block.low), high = vdupq_n_f32(block.high);
  y = vbslq_f32(vcgtq_f32(low, y), low, y);
  return vbslq_f32(vcltq_f32(high, y), high, y);
}

// A function or a residual: by way of memory, out of line, so that the tiles stay small. `values` has kRows · kWide · 4 floats,
// rounded up to a multiple of 16.
template <int kRows, int kWide>
__attribute__((noinline)) void apply_epilogue(const Block& block, int64_t i, int64_t j, float* values) {
  constexpr int64_t kRow = kWide * kLanes, kCount = (kRows * kRow + 15) / 16 * 16;
  if (block.function != nullptr) {
    epilogue_int8::arm_neon.function(*block.function, block.low, block.high, values, kCount);
    return;
  }
  uint8_t residual[kCount + 8] = {};
  for (int64_t r = 0; r < kRows; ++r)
    vst1_u8(residual + r * kRow, vld1_u8(block.residual_bytes + block.residual_offsets[i + r] + j));
  epilogue_int8::arm_neon.residual(*block.residual, block.low, block.high, values, residual, kCount);
}

// Subtracts the row sums if there are any, and stores `columns` of the kWide · 4 columns.
template <int kRows, int kWide>
OCTET_INLINE inline void finish(const Block& block, int64_t i, int64_t j, int64_t columns, int32x4_t (&v)[kRows][kWide]) {
  if (block.row_sums != nullptr) {
    repeat<kWide>([&](auto w) OCTET_INLINE {
      const int32x4_t zero_points = vld1q_s32(block.zero_points + j + w * kLanes);
      repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = vmlsq_n_s32(v[r][w], zero_points, block.row_sums[i + r]); });
    });
  }
  if (block.output != Output::kByte) {
    repeat<kRows>([&](auto r) OCTET_INLINE {
      int32_t* c = static_cast<int32_t*>(block.c) + block.c_offsets[i + r] + j;
      repeat<kWide>([&](auto w) OCTET_INLINE {
        int32x4_t y = v[r][w];
        if (block.output == Output::kFloat32) y = vreinterpretq_s32_f32(limit(block, scale(block, j + w * kLanes, y)));
        store_words(c + w * kLanes, y, columns - w * kLanes);
      });
    });
    return;
  }
  const float32x4_t low = vdupq_n_f32(block.low), high = vdupq_n_f32(block.high);
  const int32x4_t zero_point = vdupq_n_s32(block.output_zero_point);
  if (block.function != nullptr || block.residual != nullptr) {
    alignas(64) float values[(kRows * kWide * kLanes + 15) / 16 * 16] = {};
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        vst1q_f32(values + (r * kWide + w) * kLanes, scale(block, j + w * kLanes, v[r][w]));
      });
    });
    apply_epilogue<kRows, kWide>(block, i, j, values);
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = vreinterpretq_s32_f32(vld1q_f32(values + (r * kWide + w) * kLanes)); });
    });
  } else {
    repeat<kRows>([&](auto r) OCTET_INLINE {
      repeat<kWide>([&](auto w) OCTET_INLINE {
        v[r][w] = vcvtnq_s32_f32(vminq_f32(vmaxnmq_f32(scale(block, j + w * kLanes, v[r][w]), low), high));
      });
    });
  }
  repeat<kRows>([&](auto r) OCTET_INLINE {
    int16x4_t half[2];
    repeat<2>([&](auto w) OCTET_INLINE {
      constexpr int at = w < kWide ? w : 0;
      half[w] = vmovn_s32(vaddq_s32(v[r][at], zero_point));
    });
    const int8x8_t bytes = vmovn_s16(vcombine_s16(half[0], half[1]));
    int8_t* c = static_cast<int8_t*>(block.c) + block.c_offsets[i + r] + j;
    if (columns == kColumns) {
      vst1_s8(c, bytes);
    } else {
      int8_t all[kColumns];
      vst1_s8(all, bytes);
      for (int64_t k = 0; k < columns; ++k) c[k] = all[k];
    }
  });
}

template <int kWide, int kRows>
OCTET_INLINE inline void start(const Block& block, int64_t j, int32x4_t (&v)[kRows][kWide]) {
  repeat<kWide>([&](auto w) OCTET_INLINE {
    const int32x4_t bias = vld1q_s32(block.bias + j + w * kLanes);
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

inline void pack_row(const void* const* sources, int64_t runs, int64_t count, uint8_t flip, void* row) {
  uint8_t* out = static_cast<uint8_t*>(row);
  const uint8x16_t mask = vdupq_n_u8(flip);
  for (int64_t r = 0; r < runs; ++r, out += count) {
    const uint8_t* in = static_cast<const uint8_t*>(sources[r]);
    for (int64_t i = 0; i < count; i += 16) vst1q_u8(out + i, veorq_u8(vld1q_u8(in + i), mask));
  }
}

}  // namespace

}  // namespace octet::kernels::gemm_int8
