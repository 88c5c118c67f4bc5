#include "kernels/crc32c/crc32c.h"

#include "kernels/test_support.h"

namespace octet::kernels::crc32c {
namespace {

// Bit by bit.
uint32_t oracle(uint32_t crc, const uint8_t* bytes, size_t count) {
  crc = ~crc;
  for (size_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

TEST(Crc32c, KnownValues) {   // RFC 3720, B.4
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    EXPECT_EQ(kernel.run(0, "123456789", 9), 0xe3069283u);
    uint8_t bytes[32] = {};
    EXPECT_EQ(kernel.run(0, bytes, 32), 0x8a9136aau);
    for (uint8_t& byte : bytes) byte = 0xff;
    EXPECT_EQ(kernel.run(0, bytes, 32), 0x62a8ab43u);
  });
}

TEST(Crc32c, EveryKernelMatchesTheDefinition) {
  Random random(3);
  std::vector<uint8_t> bytes(40000);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.below(256));
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (size_t count : {0, 1, 7, 8, 9, 63, 64, 767, 768, 769, 1536, 2047, 2048, 6143, 6144, 6145, 12288, 20001, 39990})
      for (size_t offset : {0, 1, 5}) {
        uint32_t want = oracle(0, bytes.data() + offset, count);
        ASSERT_EQ(kernel.run(0, bytes.data() + offset, count), want) << count << " from " << offset;
        size_t half = count / 3;
        ASSERT_EQ(kernel.run(kernel.run(0, bytes.data() + offset, half), bytes.data() + offset + half, count - half), want) << count;
      }
  });
}

TEST(Crc32c, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::crc32c
