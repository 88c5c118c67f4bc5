// CRC32C (Castagnoli, polynomial 0x1EDC6F41, bits reflected): the checksum of pack files, as in RFC 3720.
//
//     crc = run(0, bytes, count);  run(run(0, a, n), b, m) is that of a followed by b
//
// Any alignment. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::crc32c {

struct Kernel {
  uint32_t (*run)(uint32_t crc, const void* bytes, size_t count);
};

#define OCTET_KERNEL_MANIFEST "kernels/crc32c/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::crc32c
