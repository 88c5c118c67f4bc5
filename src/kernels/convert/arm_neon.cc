#include <arm_neon.h>

#include "kernels/convert/loops.h"

namespace octet::kernels::convert {

static void f16_to_f32(const Float16* x, float* y, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) vst1q_f32(y + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&x[i].bits))));
  for (; i < count; ++i) y[i] = to_float(x[i]);
}

static void f32_to_f16(const float* x, Float16* y, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) vst1_u16(&y[i].bits, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
  for (; i < count; ++i) y[i] = to_float16(x[i]);
}

const Kernel arm_neon = {
    f16_to_f32, f32_to_f16, bf16_to_f32_loop, f32_to_bf16_loop, cast_loop<int32_t, float>, cast_loop<uint8_t, float>,
    cast_loop<int64_t, float>, cast_loop<int64_t, int32_t>, cast_loop<int32_t, int64_t>,
};

}  // namespace octet::kernels::convert
