#include <cmath>

#include "kernels/depthwise_f32/depthwise_f32.h"

namespace octet::kernels::depthwise_f32 {

static void run(const Block& block) {
  for (int64_t p = 0; p < block.pixels; ++p) {
    for (int64_t c = 0; c < block.channels; ++c) {
      float v = 0;
      for (int64_t t = 0; t < block.taps; ++t)
        v = std::fma(static_cast<const float*>(block.a[t])[p * block.a_steps[t] + c], block.b[t * block.b_stride + c], v);
      v = v + block.bias[c];
      const int64_t at = p * block.c_step + c;
      if (block.residual != nullptr) v = v + block.residual[at];
      v = block.low > v ? block.low : v;
      v = block.high < v ? block.high : v;
      block.c[at] = v;
    }
  }
}

const Kernel reference = {run};

}  // namespace octet::kernels::depthwise_f32
