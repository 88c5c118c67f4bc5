// convert for x86: half floats by the processor's own instructions (every AVX2 level has them), the rest by plain loops.
#pragma once

#include <immintrin.h>

#include "kernels/convert/loops.h"

namespace octet::kernels::convert {
namespace {

void f16_to_f32(const Float16* x, float* y, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i))));
  for (; i < count; ++i) y[i] = _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(x[i].bits)));
}

void f32_to_f16(const float* x, Float16* y, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  for (; i < count; ++i)
    y[i].bits = static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x[i]), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
}

constexpr Kernel kLevel = {
    f16_to_f32, f32_to_f16, bf16_to_f32_loop, f32_to_bf16_loop, cast_loop<int32_t, float>, cast_loop<uint8_t, float>,
    cast_loop<int64_t, float>, cast_loop<int64_t, int32_t>, cast_loop<int32_t, int64_t>,
};

}  // namespace
}  // namespace octet::kernels::convert
