// Exact on plain Advanced SIMD: smull gives 16-bit products of two channels side by side, sadalp adds each pair into 32 bits.
#include <cstring>

#include "kernels/gemm_int8/arm_common.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kGroup = 2;

template <int kRows, int kWide>
struct Tile {
  static void run(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b) {
    int32x4_t v[kRows][kWide];
    start<kWide, kRows>(block, j, v);
    for (int64_t t = 0; t < block.taps; ++t) {
      const int8_t* a[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const int8_t*>(block.a[t * block.a_rows + i + r]); });
      for (int64_t c = 0; c < block.channels; c += kGroup, b += kWide * kLanes * kGroup) {
        int8x8_t weights[kWide];
        repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = vld1_s8(b + w * kLanes * kGroup); });
        repeat<kRows>([&](auto r) OCTET_INLINE {
          int16_t pair;
          std::memcpy(&pair, a[r] + c, sizeof pair);
          const int8x8_t x = vreinterpret_s8_s16(vdup_n_s16(pair));
          repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = vpadalq_s16(v[r][w], vmull_s8(weights[w], x)); });
        });
      }
    }
    finish(block, i, j, columns, v);
  }
};

}  // namespace

const Kernel arm_neon = {kMostRows, kColumns, kLanes, kGroup, kGroup, InputForm::kSigned, 1,
                         run_tiles<Tile, kGroup>, pack_row};

}  // namespace octet::kernels::gemm_int8
