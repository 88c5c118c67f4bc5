// sdot on four channels at a time, sixteen of each row per load.
#include <cstring>

#include "kernels/gemm_int8/arm_common.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kGroup = 4;

template <int kRows, int kWide>
struct Tile {
  static void run(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b) {
    int32x4_t v[kRows][kWide];
    start<kWide, kRows>(block, j, v);
    for (int64_t t = 0; t < block.taps; ++t) {
      const int8_t* a[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const int8_t*>(block.a[t * block.a_rows + i + r]); });
      int64_t c = 0;
      for (; c + 16 <= block.channels; c += 16) {
        int8x16_t x[kRows];
        repeat<kRows>([&](auto r) OCTET_INLINE { x[r] = vld1q_s8(a[r] + c); });
        repeat<4>([&](auto k) OCTET_INLINE {
          repeat<kWide>([&](auto w) OCTET_INLINE {
            const int8x16_t weights = vld1q_s8(b + w * kLanes * kGroup);
            repeat<kRows>([&](auto r) OCTET_INLINE { v[r][w] = vdotq_laneq_s32(v[r][w], weights, x[r], k); });
          });
          b += kWide * kLanes * kGroup;
        });
      }
      for (; c < block.channels; c += kGroup, b += kWide * kLanes * kGroup) {
        repeat<kRows>([&](auto r) OCTET_INLINE {
          int32_t group;
          std::memcpy(&group, a[r] + c, sizeof group);
          const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(group));
          repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = vdotq_s32(v[r][w], vld1q_s8(b + w * kLanes * kGroup), x); });
        });
      }
    }
    finish(block, i, j, columns, v);
  }
};

}  // namespace

const Kernel arm_dotprod = {kMostRows, kColumns, kLanes, kGroup, kGroup, InputForm::kSigned, 1,
                         run_tiles<Tile, kGroup>, pack_row};

}  // namespace octet::kernels::gemm_int8
