#include <immintrin.h>

#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

// Sixteen in-register tables of 16 bytes: vpshufb looks the low nibble up in each, the high nibble picks the one that counts.
static void run(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table) {
  int64_t i = 0;
  if (count >= 256) {
    __m256i rows[16];
    for (int r = 0; r < 16; ++r)
      rows[r] = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * r)));
    const __m256i low = _mm256_set1_epi8(0x0f);
    for (; i + 32 <= count; i += 32) {
      __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
      __m256i column = _mm256_and_si256(index, low);
      __m256i row = _mm256_and_si256(_mm256_srli_epi16(index, 4), low);
      __m256i result = _mm256_setzero_si256();
      for (int r = 0; r < 16; ++r) {
        __m256i hit = _mm256_cmpeq_epi8(row, _mm256_set1_epi8(static_cast<char>(r)));
        result = _mm256_or_si256(result, _mm256_and_si256(hit, _mm256_shuffle_epi8(rows[r], column)));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i), result);
    }
  }
  for (; i < count; ++i) y[i] = table[x[i]];
}

const Kernel x86_avx2 = {run};

}  // namespace octet::kernels::table_u8
