#include "kernels/table_u8/table_u8.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace octet::kernels::table_u8 {
namespace {

TEST(TableU8, EveryKernelMatchesTheReference) {
  std::mt19937 random(7);
  std::vector<uint8_t> table(256);
  for (auto& v : table) v = static_cast<uint8_t>(random());
  for (const auto& entry : entries()) {
    if (!isa_supported(entry.isa)) {
      printf("skipped %s: this machine lacks %s\n", entry.name, isa_name(entry.isa));
      continue;
    }
    for (int64_t count : {0, 1, 31, 32, 33, 255, 256, 257, 300, 4096, 5001}) {
      for (int offset : {0, 1, 13}) {
        std::vector<uint8_t> x(static_cast<size_t>(count + offset) + 64), y(x.size(), 99), want(x.size(), 99);
        for (auto& v : x) v = static_cast<uint8_t>(random());
        reference.run(x.data() + offset, want.data() + offset, count, table.data());
        entry.kernel->run(x.data() + offset, y.data() + offset, count, table.data());
        ASSERT_EQ(y, want) << entry.name << " count " << count << " offset " << offset;
        entry.kernel->run(x.data() + offset, x.data() + offset, count, table.data());   // in place
        for (int64_t i = 0; i < count; ++i) ASSERT_EQ(x[static_cast<size_t>(i + offset)], want[static_cast<size_t>(i + offset)]);
      }
    }
  }
}

TEST(TableU8, SelectionFollowsTheLevel) {
  EXPECT_STREQ(select(Isa::kReference).name, "reference");
  if (isa_supported(Isa::kAvx2)) EXPECT_STREQ(select(Isa::kAvx2).name, "x86_avx2");
}

}  // namespace
}  // namespace octet::kernels::table_u8
