#include <immintrin.h>

#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

// The table as 16 rows of 16 bytes. vpshufb looks a low nibble up in a row and gives 0 where the index is negative, so with
// D[r] = row[r] xor row[r-1] the xor of D[r][x - 16r] over all r with x >= 16r telescopes to row[x / 16][x % 16]. Bytes below
// 128 walk rows 0 to 7, the others rows 8 to 15; saturating subtraction keeps what is negative negative.
static void run(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table) {
  int64_t i = 0;
  if (count >= 64) {
    __m256i difference[16];
    for (int r = 0; r < 16; ++r) {
      __m128i row = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * r));
      if (r % 8) row = _mm_xor_si128(row, _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * (r - 1))));
      difference[r] = _mm256_broadcastsi128_si256(row);
    }
    const __m256i sixteen = _mm256_set1_epi8(16), top = _mm256_set1_epi8(-128);
    for (; i + 32 <= count; i += 32) {
      __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i)), high = _mm256_xor_si256(low, top);
      __m256i from_low = _mm256_shuffle_epi8(difference[0], low), from_high = _mm256_shuffle_epi8(difference[8], high);
      for (int r = 1; r < 8; ++r) {
        low = _mm256_subs_epi8(low, sixteen);
        high = _mm256_subs_epi8(high, sixteen);
        from_low = _mm256_xor_si256(from_low, _mm256_shuffle_epi8(difference[r], low));
        from_high = _mm256_xor_si256(from_high, _mm256_shuffle_epi8(difference[8 + r], high));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), _mm256_xor_si256(from_low, from_high));
    }
  }
  for (; i < count; ++i) y[i] = table[x[i]];
}

const Kernel x86_avx2 = {run};

}  // namespace octet::kernels::table_u8
