// The instructions came with Armv8.1, which every machine of this level has.
#include <arm_acle.h>

#include "kernels/crc32c/crc32c.h"
#include "kernels/crc32c/streams.h"

namespace octet::kernels::crc32c {

namespace {

struct Words {
  static uint64_t eight(uint64_t crc, uint64_t word) { return __crc32cd(static_cast<uint32_t>(crc), word); }
  static uint32_t one(uint32_t crc, uint8_t byte) { return __crc32cb(crc, byte); }
};

}  // namespace

const Kernel arm_dotprod = {run_in_streams<Words>};

}  // namespace octet::kernels::crc32c
