// CRC32C with an instruction that takes a few cycles and starts every cycle: three streams side by side, put together by shifting the first
// two over the bytes behind them. V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011.
//
// `Words`: eight(crc, word) and one(crc, byte), the instruction. A type of the including file alone: what is made of it has that file's flags.
#pragma once

#include <cstring>

#include "kernels/crc32c/polynomial.h"

namespace octet::kernels::crc32c {

// Long streams hide the shifts, short ones leave little for the slow end.
inline constexpr size_t kLong = 2048, kShort = 256;
inline constexpr ShiftTable kOneLong = shift_table(kLong), kTwoLong = shift_table(2 * kLong), kOneShort = shift_table(kShort), kTwoShort = shift_table(2 * kShort);

inline uint64_t load(const unsigned char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

// Three streams of kStream bytes. What follows them is fetched meanwhile: a pack is read here for the first time, straight from the page
// cache, and three streams with jumps between them are beyond what the hardware foresees (1.6 ms instead of 3.5 for 26 MB).
template <typename Words, size_t kStream>
uint64_t three_streams(uint64_t a, const unsigned char* p, const ShiftTable& one, const ShiftTable& two) {
  uint64_t b = 0, c = 0;
  for (size_t line = 0; line < kStream; line += 64) {
    for (size_t stream = 0; stream < 3; ++stream)
      __builtin_prefetch(p + (3 + stream) * kStream + line);   // never faults
    for (size_t i = line; i < line + 64; i += 8) {
      a = Words::eight(a, load(p + i));
      b = Words::eight(b, load(p + kStream + i));
      c = Words::eight(c, load(p + 2 * kStream + i));
    }
  }
  return shift(two, static_cast<uint32_t>(a)) ^ shift(one, static_cast<uint32_t>(b)) ^ static_cast<uint32_t>(c);
}

template <typename Words>
uint32_t run_in_streams(uint32_t crc, const void* bytes, size_t count) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  uint64_t a = ~crc;
  for (; count >= 3 * kLong; p += 3 * kLong, count -= 3 * kLong) a = three_streams<Words, kLong>(a, p, kOneLong, kTwoLong);
  for (; count >= 3 * kShort; p += 3 * kShort, count -= 3 * kShort) a = three_streams<Words, kShort>(a, p, kOneShort, kTwoShort);
  for (; count >= 8; p += 8, count -= 8) a = Words::eight(a, load(p));
  auto tail = static_cast<uint32_t>(a);
  for (; count != 0; ++p, --count) tail = Words::one(tail, *p);
  return ~tail;
}

}  // namespace octet::kernels::crc32c
