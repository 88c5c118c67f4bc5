#include <arm_neon.h>

#include "kernels/transpose/blocks.h"

namespace octet::kernels::transpose {

using Byte = unsigned char;

// 16 × 16 bytes: four rounds of interleaving row i with row i + 8.
static void block_1(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  uint8x16_t a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = vld1q_u8(x + i * x_stride);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      b[2 * i] = vzip1q_u8(a[i], a[i + 8]);
      b[2 * i + 1] = vzip2q_u8(a[i], a[i + 8]);
    }
    for (int i = 0; i < 16; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 16; ++i) vst1q_u8(y + i * y_stride, a[i]);
}

static uint16x8_t load_2(const Byte* p) { return vreinterpretq_u16_u8(vld1q_u8(p)); }

static void block_2(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  uint16x8_t a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = load_2(x + i * x_stride);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      b[2 * i] = vzip1q_u16(a[i], a[i + 4]);
      b[2 * i + 1] = vzip2q_u16(a[i], a[i + 4]);
    }
    for (int i = 0; i < 8; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 8; ++i) vst1q_u8(y + i * y_stride, vreinterpretq_u8_u16(a[i]));
}

static void block_4(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  uint32x4_t a[4], b[4];
  for (int i = 0; i < 4; ++i) a[i] = vreinterpretq_u32_u8(vld1q_u8(x + i * x_stride));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 2; ++i) {
      b[2 * i] = vzip1q_u32(a[i], a[i + 2]);
      b[2 * i + 1] = vzip2q_u32(a[i], a[i + 2]);
    }
    for (int i = 0; i < 4; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 4; ++i) vst1q_u8(y + i * y_stride, vreinterpretq_u8_u32(a[i]));
}

static void block_8(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  uint64x2_t a = vreinterpretq_u64_u8(vld1q_u8(x)), b = vreinterpretq_u64_u8(vld1q_u8(x + x_stride));
  vst1q_u8(y, vreinterpretq_u8_u64(vzip1q_u64(a, b)));
  vst1q_u8(y + y_stride, vreinterpretq_u8_u64(vzip2q_u64(a, b)));
}

static void tile(int element_bytes, const void* x, int64_t x_stride, void* y, int64_t y_stride, int64_t rows, int64_t columns) {
  switch (element_bytes) {
    case 1: return walk<uint8_t, 16>(x, x_stride, y, y_stride, rows, columns, block_1);
    case 2: return walk<uint16_t, 8>(x, x_stride, y, y_stride, rows, columns, block_2);
    case 4: return walk<uint32_t, 4>(x, x_stride, y, y_stride, rows, columns, block_4);
    default: return walk<uint64_t, 2>(x, x_stride, y, y_stride, rows, columns, block_8);
  }
}

const Kernel arm_neon = {tile};

}  // namespace octet::kernels::transpose
