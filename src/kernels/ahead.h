// Fetching weights ahead: while the rows of a block pass by one panel of weights, the next panel comes into the second-level cache,
// a few lines at a time. Without it the first rows of each panel wait for the memory behind that cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/unroll.h"

namespace octet::kernels {

struct Ahead {
  const std::byte *at = nullptr, *last = nullptr;
  int64_t lines = 0;   // each time

  Ahead() = default;
  // What lies in [next, end), at most `bytes` of it, in `tiles` · `times` steps. With few tiles reading the weights is most of the work,
  // in order, and fetching would only be in its way.
  OCTET_INLINE Ahead(const void* next, const void* end, int64_t bytes, int64_t tiles, int64_t times)
      : at(static_cast<const std::byte*>(next)) {
    constexpr int64_t kLine = 64, kFewTiles = 3;
    last = static_cast<const std::byte*>(end);
    if (last == nullptr || at >= last || tiles < kFewTiles) return;
    if (bytes > last - at) bytes = last - at;
    last = at + bytes;
    lines = (bytes + tiles * times * kLine - 1) / (tiles * times * kLine);
  }
  OCTET_INLINE void fetch() {
    for (int64_t l = 0; l < lines && at < last; ++l, at += 64) __builtin_prefetch(at, 0, 2);
  }
};

}  // namespace octet::kernels
