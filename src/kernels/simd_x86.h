// What simd.h has in common for AVX2 and AVX-512. Include simd.h, not this.
#pragma once

#include <immintrin.h>

namespace octet::kernels::simd {
namespace {

// y[c] = column c of 16 rows of 16 bytes, x_stride apart: four rounds of interleaving row i with row i + 8.
OCTET_INLINE void transpose_bytes(const uint8_t* x, int64_t x_stride, uint8_t (&y)[16][16]) {
  __m128i a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i * x_stride));
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
      b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
    }
    for (int i = 0; i < 16; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 16; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(y[i]), a[i]);
}

}  // namespace
}  // namespace octet::kernels::simd
