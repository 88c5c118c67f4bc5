// The crc32 instruction takes 3 cycles and starts one per cycle: three streams side by side, put together by shifting the first two
// over the bytes behind them. V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011.
#include <immintrin.h>

#include <cstring>

#include "kernels/crc32c/crc32c.h"
#include "kernels/crc32c/polynomial.h"

namespace octet::kernels::crc32c {

namespace {

constexpr size_t kStream = 2048;
constexpr ShiftTable kOneStream = shift_table(kStream), kTwoStreams = shift_table(2 * kStream);

uint64_t load(const unsigned char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

uint32_t run(uint32_t crc, const void* bytes, size_t count) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  uint64_t a = ~crc;
  for (; count >= 3 * kStream; p += 3 * kStream, count -= 3 * kStream) {
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < kStream; i += 8) {
      a = _mm_crc32_u64(a, load(p + i));
      b = _mm_crc32_u64(b, load(p + kStream + i));
      c = _mm_crc32_u64(c, load(p + 2 * kStream + i));
    }
    a = shift(kTwoStreams, static_cast<uint32_t>(a)) ^ shift(kOneStream, static_cast<uint32_t>(b)) ^ static_cast<uint32_t>(c);
  }
  for (; count >= 8; p += 8, count -= 8) a = _mm_crc32_u64(a, load(p));
  auto tail = static_cast<uint32_t>(a);
  for (; count != 0; ++p, --count) tail = _mm_crc32_u8(tail, *p);
  return ~tail;
}

}  // namespace

const Kernel x86_avx2 = {run};

}  // namespace octet::kernels::crc32c
