#include <immintrin.h>

#include "kernels/crc32c/crc32c.h"
#include "kernels/crc32c/streams.h"

namespace octet::kernels::crc32c {

namespace {

struct Words {
  static uint64_t eight(uint64_t crc, uint64_t word) { return _mm_crc32_u64(crc, word); }
  static uint32_t one(uint32_t crc, uint8_t byte) { return _mm_crc32_u8(crc, byte); }
};

}  // namespace

const Kernel x86_avx2 = {run_in_streams<Words>};

}  // namespace octet::kernels::crc32c
