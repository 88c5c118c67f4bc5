#include <immintrin.h>

#include "kernels/transpose/blocks.h"

namespace octet::kernels::transpose {

using Byte = unsigned char;

static __m128i load(const Byte* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
static void store(Byte* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

// 16 × 16 bytes: four rounds of interleaving row i with row i + 8.
static void block_1(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  __m128i a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = load(x + i * x_stride);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
      b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
    }
    for (int i = 0; i < 16; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 16; ++i) store(y + i * y_stride, a[i]);
}

static void block_2(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  __m128i a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = load(x + i * x_stride);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
      b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
    }
    for (int i = 0; i < 8; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 8; ++i) store(y + i * y_stride, a[i]);
}

static void block_4(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  __m256 a[8], b[8];
  // Halves of rows i and i + 4 share a register, so that the interleaving stays within 128-bit lanes.
  for (int i = 0; i < 4; ++i)
    for (int half = 0; half < 2; ++half) {
      const Byte* p = x + i * x_stride + 16 * half;
      a[4 * half + i] = _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(load(p)), load(p + 4 * x_stride), 1));
    }
  for (int half = 0; half < 8; half += 4) {
    b[half] = _mm256_unpacklo_ps(a[half], a[half + 1]);
    b[half + 1] = _mm256_unpackhi_ps(a[half], a[half + 1]);
    b[half + 2] = _mm256_unpacklo_ps(a[half + 2], a[half + 3]);
    b[half + 3] = _mm256_unpackhi_ps(a[half + 2], a[half + 3]);
    a[half] = _mm256_shuffle_ps(b[half], b[half + 2], 0x44);
    a[half + 1] = _mm256_shuffle_ps(b[half], b[half + 2], 0xee);
    a[half + 2] = _mm256_shuffle_ps(b[half + 1], b[half + 3], 0x44);
    a[half + 3] = _mm256_shuffle_ps(b[half + 1], b[half + 3], 0xee);
  }
  for (int i = 0; i < 8; ++i) _mm256_storeu_ps(reinterpret_cast<float*>(y + i * y_stride), a[i]);
}

static void block_8(const Byte* x, int64_t x_stride, Byte* y, int64_t y_stride) {
  for (int i = 0; i < 2; ++i) {
    __m128i a = load(x + 16 * i), b = load(x + x_stride + 16 * i), c = load(x + 2 * x_stride + 16 * i), d = load(x + 3 * x_stride + 16 * i);
    store(y + 2 * i * y_stride, _mm_unpacklo_epi64(a, b));
    store(y + 2 * i * y_stride + 16, _mm_unpacklo_epi64(c, d));
    store(y + (2 * i + 1) * y_stride, _mm_unpackhi_epi64(a, b));
    store(y + (2 * i + 1) * y_stride + 16, _mm_unpackhi_epi64(c, d));
  }
}

static void tile(int element_bytes, const void* x, int64_t x_stride, void* y, int64_t y_stride, int64_t rows, int64_t columns) {
  switch (element_bytes) {
    case 1: return walk<uint8_t, 16>(x, x_stride, y, y_stride, rows, columns, block_1);
    case 2: return walk<uint16_t, 8>(x, x_stride, y, y_stride, rows, columns, block_2);
    case 4: return walk<uint32_t, 8>(x, x_stride, y, y_stride, rows, columns, block_4);
    default: return walk<uint64_t, 4>(x, x_stride, y, y_stride, rows, columns, block_8);
  }
}

const Kernel x86_avx2 = {tile};

}  // namespace octet::kernels::transpose
