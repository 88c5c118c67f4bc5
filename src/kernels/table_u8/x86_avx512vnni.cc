#include <immintrin.h>

#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

// As the AVX2 kernel, 64 bytes at a time: see there.
static void run(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table) {
  if (count < 16) {
    for (int64_t i = 0; i < count; ++i) y[i] = table[x[i]];
    return;
  }
  __m512i difference[16];
  for (int r = 0; r < 16; ++r) {
    __m128i row = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * r));
    if (r % 8) row = _mm_xor_si128(row, _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * (r - 1))));
    difference[r] = _mm512_broadcast_i32x4(row);
  }
  const __m512i sixteen = _mm512_set1_epi8(16), top = _mm512_set1_epi8(-128);
  for (int64_t i = 0; i < count; i += 64) {
    const __mmask64 there = count - i < 64 ? (__mmask64{1} << (count - i)) - 1 : ~__mmask64{0};
    __m512i low = _mm512_maskz_loadu_epi8(there, x + i), high = _mm512_xor_si512(low, top);
    __m512i from_low = _mm512_shuffle_epi8(difference[0], low), from_high = _mm512_shuffle_epi8(difference[8], high);
    for (int r = 1; r < 8; ++r) {
      low = _mm512_subs_epi8(low, sixteen);
      high = _mm512_subs_epi8(high, sixteen);
      from_low = _mm512_xor_si512(from_low, _mm512_shuffle_epi8(difference[r], low));
      from_high = _mm512_xor_si512(from_high, _mm512_shuffle_epi8(difference[8 + r], high));
    }
    _mm512_mask_storeu_epi8(y + i, there, _mm512_xor_si512(from_low, from_high));
  }
}

const Kernel x86_avx512vnni = {run};

}  // namespace octet::kernels::table_u8
