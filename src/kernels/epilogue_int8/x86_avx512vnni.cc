#include "kernels/epilogue_int8/wide.h"

namespace octet::kernels::epilogue_int8 {

namespace {

// Four vectors: one look for them all tells whether a quotient lies so near a tie that it must be computed (see QuotientRequantizer).
struct FourAtOnce {
  static constexpr int kBatch = 4;
  QuotientRequantizer one;
  __m512i limit;

  OCTET_INLINE FourAtOnce(float scale, float low, float high)
      : one(scale, low, high), limit(_mm512_castps_si512(_mm512_set1_ps(0.5f - 0x1p-12f))) {}
  OCTET_INLINE void operator()(const Wide (&v)[4], Wide::Int (&q)[4]) const {
    __m512i farthest = _mm512_setzero_si512();
    for (int k = 0; k < 4; ++k) {
      const __m512 near = _mm512_min_ps(one.most.v, _mm512_max_ps(one.least.v, _mm512_mul_ps(v[k].v, one.reciprocal.v)));   // NaN stays
      q[k].v = _mm512_cvtps_epi32(near);
      const __m512 off = _mm512_abs_ps(_mm512_sub_ps(near, _mm512_cvtepi32_ps(q[k].v)));
      farthest = _mm512_max_epu32(farthest, _mm512_castps_si512(off));   // magnitudes compare as integers do, NaN above them
    }
    if (_mm512_cmpgt_epu32_mask(farthest, limit) != 0) [[unlikely]]
      for (int k = 0; k < 4; ++k) q[k] = one(v[k]);
  }
};

}  // namespace

const Kernel x86_avx512vnni = kWide<FourAtOnce>;

}  // namespace octet::kernels::epilogue_int8
