#include <arm_neon.h>

#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

// Four tables of 64 bytes; an index outside of one leaves what the others gave.
static void run(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table) {
  int64_t i = 0;
  if (count >= 32) {
    const uint8x16x4_t a = vld1q_u8_x4(table), b = vld1q_u8_x4(table + 64), c = vld1q_u8_x4(table + 128), d = vld1q_u8_x4(table + 192);
    const uint8x16_t step = vdupq_n_u8(64);
    for (; i + 16 <= count; i += 16) {
      uint8x16_t index = vld1q_u8(x + i);
      uint8x16_t result = vqtbl4q_u8(a, index);
      index = vsubq_u8(index, step);
      result = vqtbx4q_u8(result, b, index);
      index = vsubq_u8(index, step);
      result = vqtbx4q_u8(result, c, index);
      index = vsubq_u8(index, step);
      vst1q_u8(y + i, vqtbx4q_u8(result, d, index));
    }
  }
  for (; i < count; ++i) y[i] = table[x[i]];
}

const Kernel arm_neon = {run};

}  // namespace octet::kernels::table_u8
