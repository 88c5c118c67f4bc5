// 4-bit elements: two to a byte, the first in the low nibble.
#pragma once

#include "ops/dispatch.h"

namespace octet::ops {

inline bool is_nibble(DType dtype) { return dtype_bits(dtype) == 4; }

// One byte per element: int4 sign-extended to int8, uint4 and float4 codes as uint8.
inline Tensor unpack_nibbles(const Tensor& packed) {
  bool is_signed = packed.dtype() == DType::kInt4;
  Tensor bytes(is_signed ? DType::kInt8 : DType::kUInt8, packed.shape());
  const uint8_t* from = static_cast<const uint8_t*>(packed.raw());
  uint8_t* to = static_cast<uint8_t*>(bytes.raw());
  for (int64_t i = 0, count = packed.elements(); i < count; ++i) {
    int nibble = from[i / 2] >> (i % 2 * 4) & 15;
    to[i] = static_cast<uint8_t>(is_signed && nibble > 7 ? nibble - 16 : nibble);
  }
  return bytes;
}

// The inverse: the low four bits of `count` bytes.
inline void pack_nibbles(const void* bytes, int64_t count, void* packed) {
  const uint8_t* from = static_cast<const uint8_t*>(bytes);
  uint8_t* to = static_cast<uint8_t*>(packed);
  for (int64_t i = 0; i < count; i += 2)
    to[i / 2] = static_cast<uint8_t>((from[i] & 15) | (i + 1 < count ? from[i + 1] << 4 : 0));
}

}  // namespace octet::ops
