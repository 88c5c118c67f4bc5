// Fetching the weights ahead: while the rows of a block pass by one panel of weights, the next panel comes into the second-level
// cache, a few lines after every run of products. Without it the first rows of each panel wait for the memory behind that cache.
#pragma once

#include <cstddef>

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/unroll.h"

namespace octet::kernels::gemm_f32 {

struct Ahead {
  const std::byte* at = nullptr;
  int64_t lines = 0;   // after every run
};

// For the panel of `width` columns that begins at `panel` and is read once for each of `tiles` tiles.
OCTET_INLINE inline Ahead fetch_ahead(const Block& block, const float* panel, int64_t width, int64_t tiles) {
  const int64_t depth = block.taps * block.channels;
  const float* next = panel + depth * width;
  // With few rows reading the weights is most of the work, in order, and fetching them would only be in its way.
  constexpr int64_t kLine = 64, kFewTiles = 3;
  if (block.b_end == nullptr || next >= block.b_end || tiles < kFewTiles) return {};
  const int64_t floats = block.b_end - next < depth * width ? block.b_end - next : depth * width;
  const int64_t bytes = floats * static_cast<int64_t>(sizeof(float));
  const int64_t times = tiles * ((depth + kRun - 1) / kRun);
  return {reinterpret_cast<const std::byte*>(next), (bytes + times * kLine - 1) / (times * kLine)};
}

OCTET_INLINE inline void fetch(Ahead& ahead) {
  for (int64_t l = 0; l < ahead.lines; ++l, ahead.at += 64) __builtin_prefetch(ahead.at, 0, 2);
}

}  // namespace octet::kernels::gemm_f32
