#include <algorithm>
#include <cmath>

#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels::gemm_f32 {

static constexpr int64_t kColumns = 8;

static void run(const Block& block) {
  const int64_t depth = block.taps * block.channels;
  for (int64_t j = 0; j < block.n; ++j) {
    const int64_t panel = j / kColumns * kColumns;
    const int64_t width = std::min(kColumns, block.n - panel);
    const float* b = block.b + panel * depth + (j - panel);
    for (int64_t i = 0; i < block.m; ++i) {
      float v = 0, sum = 0;
      int64_t done = 0;
      for (int64_t t = 0; t < block.taps; ++t) {
        const float* a = static_cast<const float*>(block.a[t * block.a_rows + i]);
        for (int64_t c = 0; c < block.channels; ++c) {
          v = std::fma(a[c], b[(t * block.channels + c) * width], v);
          if (++done % block.run != 0) continue;
          sum = done == block.run ? v : sum + v;
          v = 0;
        }
      }
      if (done >= block.run) v = sum + v;
      v = v + block.bias[j];
      const int64_t at = block.c_offsets[i] + j;
      if (block.residual != nullptr) v = v + block.residual[at];
      v = block.low > v ? block.low : v;
      v = block.high < v ? block.high : v;
      block.c[at] = v;
    }
  }
}

const Kernel reference = {1, kColumns, 1, run};

}  // namespace octet::kernels::gemm_f32
