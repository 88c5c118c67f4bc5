// The plain loops of convert, which compilers turn into vector code by themselves when the file's flags allow it.
#pragma once

#include "base/half.h"
#include "kernels/convert/convert.h"

namespace octet::kernels::convert {
namespace {

template <typename From, typename To>
void cast_loop(const From* x, To* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<To>(x[i]);
}

inline void bf16_to_f32_loop(const BFloat16* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = std::bit_cast<float>(static_cast<uint32_t>(x[i].bits) << 16);
}

inline void f32_to_bf16_loop(const float* x, BFloat16* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits = std::bit_cast<uint32_t>(x[i]);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, quiet = (bits >> 16) | 0x40;
    y[i].bits = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
  }
}

}  // namespace
}  // namespace octet::kernels::convert
