// kernels/round.h for sixteen values.
#pragma once

#include "kernels/simd.h"

namespace octet::kernels {
namespace {

// Bytes as int32 lanes, signed ones read through their unsigned neighbours: (x xor 128) - 128.
struct ByteReader {
  simd::Wide::Int flip, offset;
  // Lanes become value - zero.
  OCTET_INLINE ByteReader(bool is_signed, int32_t zero) : flip(is_signed ? 128 : 0), offset((is_signed ? 128 : 0) + zero) {}
  OCTET_INLINE simd::Wide::Int operator()(simd::Wide::Int bytes) const { return (bytes ^ flip) - offset; }
};

// Clamp, round half to even, add the zero point; NaN gives the zero point.
struct Requantizer {
  simd::Wide least, most;
  simd::Wide::Int zero;
  OCTET_INLINE Requantizer(int32_t zero_point, int32_t low, int32_t high)
      : least(static_cast<float>(low - zero_point)), most(static_cast<float>(high - zero_point)), zero(zero_point) {}
  OCTET_INLINE simd::Wide::Int operator()(simd::Wide v) const {
    v = simd::select(v == v, v, simd::Wide(0.0f));
    return simd::to_int(simd::min(most, simd::max(least, v))) + zero;
  }
};

}  // namespace
}  // namespace octet::kernels
