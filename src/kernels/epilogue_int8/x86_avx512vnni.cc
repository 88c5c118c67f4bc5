#include "kernels/epilogue_int8/wide.h"

namespace octet::kernels::epilogue_int8 {

namespace {

// Four vectors: one look for them all tells whether a quotient lies too near a tie.
struct FourAtOnce {
  static constexpr int kBatch = 4;
  __m512i limit;

  OCTET_INLINE explicit FourAtOnce(float margin) : limit(_mm512_castps_si512(_mm512_set1_ps(0.5f - margin))) {}
  OCTET_INLINE bool operator()(const QuotientRequantizer& quotient, const Wide (&v)[4], Wide::Int (&q)[4]) const {
    __m512i farthest = _mm512_setzero_si512();
    for (int k = 0; k < 4; ++k) {
      const __m512 near = quotient.near(v[k]).v;
      q[k].v = _mm512_cvtps_epi32(near);
      const __m512 off = _mm512_abs_ps(_mm512_sub_ps(near, _mm512_cvtepi32_ps(q[k].v)));
      farthest = _mm512_max_epu32(farthest, _mm512_castps_si512(off));   // magnitudes compare as integers do, NaN above them
    }
    return _mm512_cmpgt_epu32_mask(farthest, limit) == 0;
  }
};

}  // namespace

const Kernel x86_avx512vnni = kWide<FourAtOnce>;

}  // namespace octet::kernels::epilogue_int8
