#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/depthwise_int8/depthwise_int8.h"

namespace octet::kernels::depthwise_int8 {

static void run(const Block& block) {
  const int16_t* b = static_cast<const int16_t*>(block.b);
  for (int64_t p = 0; p < block.pixels; ++p) {
    for (int64_t c = 0; c < block.channels; ++c) {
      uint32_t sum = static_cast<uint32_t>(block.bias[c]);
      for (int64_t t = 0; t < block.taps; ++t) {
        const uint8_t x = static_cast<const uint8_t*>(block.a[t])[p * block.a_steps[t] + c] ^ block.flip;
        sum += static_cast<uint32_t>(static_cast<int32_t>(x) * b[c * block.taps + t]);
      }
      const int32_t acc = static_cast<int32_t>(sum);
      const int64_t at = p * block.c_step + c;
      if (block.output == Output::kInt32) {
        static_cast<int32_t*>(block.c)[at] = acc;
        continue;
      }
      float v = static_cast<float>(acc) * block.multiplier[c];
      if (block.float_bias != nullptr) v = v + block.float_bias[c];
      if (block.output == Output::kFloat32) {
        v = block.low > v ? block.low : v;
        static_cast<float*>(block.c)[at] = block.high < v ? block.high : v;
        continue;
      }
      if (block.function != nullptr) {
        epilogue_int8::reference.function(*block.function, block.low, block.high, &v, 1);
        static_cast<uint8_t*>(block.c)[at] = static_cast<uint8_t>(std::bit_cast<int32_t>(v) + block.output_zero_point);
        continue;
      }
      v = v > block.low ? v : block.low;   // NaN, too
      v = std::min(v, block.high);
      static_cast<uint8_t*>(block.c)[at] =
          static_cast<uint8_t>(static_cast<int32_t>(std::nearbyint(v)) + block.output_zero_point);
    }
  }
}

static int64_t order(int64_t position) { return position; }

static int64_t slot(int64_t, int64_t, int64_t tap) { return tap; }

const Kernel reference = {1, 1, 2, order, slot, run};

}  // namespace octet::kernels::depthwise_int8
