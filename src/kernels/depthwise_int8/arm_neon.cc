// 8 channels at a time: bytes widened to 16 bits, smlal into 32. Weights are 16 bits wide, so any zero point goes.
#include <arm_neon.h>

#include "kernels/depthwise_int8/depthwise_int8.h"
#include "kernels/unroll.h"

namespace octet::kernels::depthwise_int8 {

namespace {

constexpr int64_t kChannels = 8;

int64_t order(int64_t position) { return position; }
int64_t slot(int64_t, int64_t, int64_t tap) { return tap; }

OCTET_INLINE inline float32x4_t scale(const Block& block, int64_t at, int32x4_t acc) {
  const float32x4_t y = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(block.multiplier + at));
  return block.float_bias == nullptr ? y : vaddq_f32(y, vld1q_f32(block.float_bias + at));
}

OCTET_INLINE inline void finish(const Block& block, int64_t p, int64_t at, int32x4_t (&v)[2]) {
  const int64_t channels = block.channels - at, to = p * block.c_step + at;
  if (block.output != Output::kByte) {
    int32_t all[kChannels];
    repeat<2>([&](auto w) OCTET_INLINE {
      int32x4_t y = v[w];
      if (block.output == Output::kFloat32) {   // NaN stays
        float32x4_t limited = scale(block, at + w * 4, y);
        limited = vbslq_f32(vcgtq_f32(vdupq_n_f32(block.low), limited), vdupq_n_f32(block.low), limited);
        y = vreinterpretq_s32_f32(vbslq_f32(vcltq_f32(vdupq_n_f32(block.high), limited), vdupq_n_f32(block.high), limited));
      }
      vst1q_s32(all + w * 4, y);
    });
    int32_t* c = static_cast<int32_t*>(block.c) + to;
    for (int64_t k = 0; k < (channels < kChannels ? channels : kChannels); ++k) c[k] = all[k];
    return;
  }
  int16x4_t half[2];
  if (block.function != nullptr) {
    alignas(64) float values[16] = {};
    repeat<2>([&](auto w) OCTET_INLINE { vst1q_f32(values + w * 4, scale(block, at + w * 4, v[w])); });
    epilogue_int8::arm_neon.function(*block.function, block.low, block.high, values, 16);
    repeat<2>([&](auto w) OCTET_INLINE {
      const int32x4_t q = vreinterpretq_s32_f32(vld1q_f32(values + w * 4));
      half[w] = vmovn_s32(vaddq_s32(q, vdupq_n_s32(block.output_zero_point)));
    });
  } else {
    repeat<2>([&](auto w) OCTET_INLINE {
      const float32x4_t y =
          vminq_f32(vmaxnmq_f32(scale(block, at + w * 4, v[w]), vdupq_n_f32(block.low)), vdupq_n_f32(block.high));
      half[w] = vmovn_s32(vaddq_s32(vcvtnq_s32_f32(y), vdupq_n_s32(block.output_zero_point)));
    });
  }
  const int8x8_t bytes = vmovn_s16(vcombine_s16(half[0], half[1]));
  int8_t* c = static_cast<int8_t*>(block.c) + to;
  if (channels >= kChannels) {
    vst1_s8(c, bytes);
    return;
  }
  int8_t all[kChannels];
  vst1_s8(all, bytes);
  for (int64_t k = 0; k < channels; ++k) c[k] = all[k];
}

// kPixels pixels from p on, 8 channels from `at` on.
template <int kPixels>
void tile(const Block& block, int64_t p, int64_t at) {
  int32x4_t v[kPixels][2];
  const int32x4_t bias[2] = {vld1q_s32(block.bias + at), vld1q_s32(block.bias + at + 4)};
  repeat<kPixels>([&](auto i) OCTET_INLINE { v[i][0] = bias[0], v[i][1] = bias[1]; });
  const int16_t* b = static_cast<const int16_t*>(block.b) + at * block.taps;
  const uint8x8_t flip = vdup_n_u8(block.flip);
  for (int64_t t = 0; t < block.taps; ++t, b += kChannels) {
    const int16x8_t weights = vld1q_s16(b);
    const int64_t step = block.a_steps[t];
    const uint8_t* a = static_cast<const uint8_t*>(block.a[t]) + p * step + at;
    repeat<kPixels>([&](auto i) OCTET_INLINE {
      const int16x8_t x = vreinterpretq_s16_u16(vmovl_u8(veor_u8(vld1_u8(a), flip)));
      v[i][0] = vmlal_s16(v[i][0], vget_low_s16(x), vget_low_s16(weights));
      v[i][1] = vmlal_high_s16(v[i][1], x, weights);
      a += step;
    });
  }
  repeat<kPixels>([&](auto i) OCTET_INLINE { finish(block, p + i, at, v[i]); });
}

void run(const Block& block) {
  for (int64_t at = 0; at < block.channels; at += kChannels) {
    int64_t p = 0;
    for (; p + 4 <= block.pixels; p += 4) tile<4>(block, p, at);
    for (; p < block.pixels; ++p) tile<1>(block, p, at);
  }
}

}  // namespace

const Kernel arm_neon = {kChannels, 1, 2, order, slot, run};

}  // namespace octet::kernels::depthwise_int8
