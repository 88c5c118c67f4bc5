#include <immintrin.h>

#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

// Every processor with tiles has AVX-512 VBMI, whose vpermi2b looks 64 bytes up in a table of 128 at once; the level asks for
// both (base/cpu.cc).
__attribute__((target("avx512vbmi"))) static void run(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table) {
  __m512i part[4];
  for (int p = 0; p < 4; ++p) part[p] = _mm512_loadu_si512(table + 64 * p);
  for (int64_t i = 0; i < count; i += 64) {
    const __mmask64 there = count - i < 64 ? (__mmask64{1} << (count - i)) - 1 : ~__mmask64{0};
    const __m512i index = _mm512_maskz_loadu_epi8(there, x + i);
    const __m512i low = _mm512_permutex2var_epi8(part[0], index, part[1]), high = _mm512_permutex2var_epi8(part[2], index, part[3]);
    _mm512_mask_storeu_epi8(y + i, there, _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high));
  }
}

const Kernel x86_amx_vbmi = {run};

}  // namespace octet::kernels::table_u8
