// Converting arrays between number formats: the pairs that Cast meets in earnest.
//
// Float formats as base/half.h defines them (nearest even, denormals kept, NaN stays NaN); integers to float round to nearest
// even. Any alignment; x and y do not overlap. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"
#include "octet/tensor.h"

namespace octet::kernels::convert {

struct Kernel {
  void (*f16_to_f32)(const Float16* x, float* y, int64_t count);
  void (*f32_to_f16)(const float* x, Float16* y, int64_t count);
  void (*bf16_to_f32)(const BFloat16* x, float* y, int64_t count);
  void (*f32_to_bf16)(const float* x, BFloat16* y, int64_t count);
  void (*i32_to_f32)(const int32_t* x, float* y, int64_t count);
  void (*u8_to_f32)(const uint8_t* x, float* y, int64_t count);
  void (*i64_to_f32)(const int64_t* x, float* y, int64_t count);
  void (*i64_to_i32)(const int64_t* x, int32_t* y, int64_t count);   // keeps the low 32 bits
  void (*i32_to_i64)(const int32_t* x, int64_t* y, int64_t count);
};

#define OCTET_KERNEL_MANIFEST "kernels/convert/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::convert
