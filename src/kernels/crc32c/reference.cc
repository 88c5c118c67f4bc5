// Eight bytes at a time through eight tables: M. E. Kounavis, F. L. Berry, "Novel Table Lookup-Based Algorithms for High-Performance
// CRC Generation", IEEE Transactions on Computers 57(11), 2008.
#include <cstring>

#include "kernels/crc32c/crc32c.h"
#include "kernels/crc32c/polynomial.h"

namespace octet::kernels::crc32c {

namespace {

// tables[k][b]: the CRC of byte b followed by k zero bytes.
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t b = 0; b < 256; ++b) tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 0xff];
  return tables;
}();

uint32_t run(uint32_t crc, const void* bytes, size_t count) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  crc = ~crc;
  for (; count >= 8; p += 8, count -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);   // little-endian, as every machine Octet runs on
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][word >> (8 * k) & 0xff];
  }
  for (; count != 0; ++p, --count) crc = crc >> 8 ^ kTables[0][(crc ^ *p) & 0xff];
  return ~crc;
}

}  // namespace

const Kernel reference = {run};

}  // namespace octet::kernels::crc32c
