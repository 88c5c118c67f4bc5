#include "kernels/table_u8/table_u8.h"

#include <random>
#include <vector>

#include "kernels/table_u8/make_table.h"
#include "kernels/test_support.h"

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
    for (int64_t count : {0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 127, 129, 255, 256, 257, 300, 4096, 5001}) {
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
  expect_selection<Kernel>(entries());
}

TEST(TableU8, TablesFollowTheContract) {
  Affine x{0.5f, 10, 0, 255, false}, y{0.25f, -3, -128, 127, true};
  uint8_t table[256];
  make_table(x, y, [](double v) { return v; }, table);
  EXPECT_EQ(static_cast<int8_t>(table[10]), -3);
  EXPECT_EQ(static_cast<int8_t>(table[12]), 1);
  EXPECT_EQ(static_cast<int8_t>(table[255]), 127);
  y.scale = 1;   // steps of a half: ties go to the even side
  make_table(x, y, [](double v) { return v; }, table);
  EXPECT_EQ(static_cast<int8_t>(table[11]), -3);   // 0.5
  EXPECT_EQ(static_cast<int8_t>(table[13]), -1);   // 1.5
  x.is_signed = true;
  make_table(x, y, [](double v) { return v > 0 ? v : v / 0.0 - v / 0.0; }, table);
  EXPECT_EQ(static_cast<int8_t>(table[200]), -3);   // NaN
}

}  // namespace
}  // namespace octet::kernels::table_u8
