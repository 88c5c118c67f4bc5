#include "kernels/pack_int8/pack_int8.h"

#include "kernels/test_support.h"

namespace octet::kernels::pack_int8 {
namespace {

TEST(PackInt8, EveryKernelMatchesTheReference) {
  Random random(41);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t depth : {1, 3, 4, 5, 63, 64, 65, 130, 197})
      for (int64_t columns : {1, 15, 16, 17, 31, 32})
        for (int64_t group : {1, 2, 4})
          for (bool rows : {false, true})
            for (uint8_t flip : {0, 0x80}) {
              const int64_t stride = (rows ? columns : depth) + 3;
              const std::vector<uint8_t> data = random.bytes((rows ? depth : columns) * stride + 1);
              Panel p;
              p.data = data.data() + 1;
              p.row_stride = rows ? stride : 1, p.column_stride = rows ? 1 : stride;
              p.depth = depth, p.columns = columns, p.group = group, p.flip = flip;
              p.width = (columns + 15) / 16 * 16;
              for (int64_t padding : {1, 64}) {
                p.depth_steps = (depth + padding - 1) / padding * padding / group + (padding == 1 ? 1 : 0);
                std::vector<int8_t> want(static_cast<size_t>(p.depth_steps * p.width * group), 9), got(want.size(), 8);
                std::vector<int32_t> sums(static_cast<size_t>(columns), 5), sums_too(static_cast<size_t>(columns), 5);
                p.out = want.data(), p.sums = sums.data();
                reference.panel(p);
                p.out = got.data(), p.sums = sums_too.data();
                kernel.panel(p);
                ASSERT_EQ(got, want) << depth << "x" << columns;
                ASSERT_EQ(sums_too, sums);
              }
            }
    for (int64_t count : sweep_counts()) {
      std::vector<int32_t> bias, sums;
      for (int64_t i = 0; i < count; ++i) bias.push_back(static_cast<int32_t>(random.bits())), sums.push_back(static_cast<int32_t>(random.bits()));
      const std::vector<float> values = random.wild_floats(count);
      std::vector<int32_t> folded(bias.size() + 20, 1), folded_too = folded;
      std::vector<float> scaled(bias.size() + 20, 1), scaled_too = scaled;
      reference.fold_columns(bias.data(), sums.data(), -131, count, folded.data());
      kernel.fold_columns(bias.data(), sums.data(), -131, count, folded_too.data());
      ASSERT_EQ(folded_too, folded);
      reference.scale_columns(values.data(), 0.3f, count, scaled.data());
      kernel.scale_columns(values.data(), 0.3f, count, scaled_too.data());
      ASSERT_TRUE(same_bits(scaled_too, scaled));
      const std::vector<uint8_t> data = random.bytes(5 * count + 1);
      for (bool is_signed : {false, true}) {
        std::vector<int32_t> want(5, 1), got(5, 2);
        reference.row_sums(data.data() + 1, count, 5, count, is_signed, want.data());
        kernel.row_sums(data.data() + 1, count, 5, count, is_signed, got.data());
        ASSERT_EQ(got, want) << count;
      }
    }
  });
}

TEST(PackInt8, FollowsTheFormula) {
  const uint8_t data[] = {1, 2, 3, 4, 5, 6};   // three rows of two columns
  Panel p;
  p.data = data, p.row_stride = 2, p.depth = 3, p.columns = 2, p.depth_steps = 1, p.width = 3, p.flip = 0x80;
  std::vector<int8_t> out(12, 9);
  std::vector<int32_t> sums = {100, 200};
  p.out = out.data(), p.sums = sums.data();
  reference.panel(p);
  EXPECT_EQ(out, (std::vector<int8_t>{-127, -125, -123, 0, -126, -124, -122, 0, 0, 0, 0, 0}));
  EXPECT_EQ(sums, (std::vector<int32_t>{100 - 375, 200 - 372}));
}

TEST(PackInt8, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::pack_int8
