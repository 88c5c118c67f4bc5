// y[i] = table[x[i]] for bytes: any unary function or requantization between two 8-bit tensors.
//
// x, y: `count` bytes, any alignment; y may be x, other overlaps are not allowed. `table`: 256 bytes, indexed by the
// bit pattern of x (for signed x too). Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::table_u8 {

struct Kernel {
  void (*run)(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table);
};

#define OCTET_KERNEL_MANIFEST "kernels/table_u8/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::table_u8
