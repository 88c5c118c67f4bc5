#include "kernels/copy_strided/copy_strided.h"

#include <cstring>

#include "kernels/test_support.h"

namespace octet::kernels::copy_strided {
namespace {

// Random blocks within a 4-d tensor, against one element at a time.
TEST(CopyStrided, MovesEveryElementAndNothingElse) {
  Random random(51);
  for (int trial = 0; trial < 400; ++trial) {
    Block block;
    constexpr int kSizes[] = {1, 2, 4, 8};
    block.element_bytes = kSizes[random.below(4)];
    block.rank = 1 + static_cast<int>(random.below(4));
    int64_t x_elements = 1, y_elements = 1, x_start = 0;
    for (int axis = block.rank - 1; axis >= 0; --axis) {
      const int64_t n = trial % 50 == 0 ? 0 : 1 + random.below(axis == block.rank - 1 && trial % 3 == 0 ? 140 : 6);   // short rows and long ones
      block.extent[axis] = n;
      const int64_t step = 1 + random.below(2), x_full = n * step + random.below(2), y_full = n + random.below(2);
      block.x_stride[axis] = random.below(4) ? x_elements * step : 0;
      if (block.x_stride[axis] && random.below(4) == 0) {   // reversed
        x_start += (n > 0 ? n - 1 : 0) * block.x_stride[axis];
        block.x_stride[axis] = -block.x_stride[axis];
      }
      block.y_stride[axis] = y_elements;
      x_elements *= x_full;
      y_elements *= y_full;
    }
    const auto size = static_cast<size_t>(block.element_bytes);
    const std::vector<uint8_t> x = random.bytes((x_elements + 1) * block.element_bytes);
    std::vector<uint8_t> want(static_cast<size_t>(y_elements + 1) * size, 3), got = want, want_fill = want, got_fill = want;
    const uint8_t value[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    int64_t total = 1;
    for (int axis = 0; axis < block.rank; ++axis) total *= block.extent[axis];
    for (int64_t e = 0; e < total; ++e) {
      int64_t rest = e, from = x_start, to = 0;
      for (int axis = block.rank - 1; axis >= 0; --axis) {
        from += rest % block.extent[axis] * block.x_stride[axis];
        to += rest % block.extent[axis] * block.y_stride[axis];
        rest /= block.extent[axis];
      }
      std::memcpy(&want[static_cast<size_t>(to) * size], &x[static_cast<size_t>(from) * size], size);
      std::memcpy(&want_fill[static_cast<size_t>(to) * size], value, size);
    }
    const uint8_t* start = x.data() + x_start * block.element_bytes;
    for (const Block& b : {block, collapse(block)}) {
      got.assign(got.size(), 3);
      got_fill = got;
      copy(b, start, got.data(), b.rows() / 3, b.rows());
      copy(b, start, got.data(), 0, b.rows() / 3);
      ASSERT_TRUE(same_bits(got, want)) << "trial " << trial;
      fill(b, value, got_fill.data(), 0, b.rows());
      ASSERT_TRUE(same_bits(got_fill, want_fill)) << "trial " << trial;
    }
  }
}

TEST(CopyStrided, CollapsesWhatIsDense) {
  Block block;
  block.rank = 3;
  const int64_t extent[] = {2, 3, 4}, stride[] = {12, 4, 1};
  for (int i = 0; i < 3; ++i) {
    block.extent[i] = extent[i];
    block.x_stride[i] = block.y_stride[i] = stride[i];
  }
  EXPECT_EQ(collapse(block).rank, 1);
  EXPECT_EQ(collapse(block).extent[0], 24);
  block.y_stride[0] = 20;   // a slice of something wider
  EXPECT_EQ(collapse(block).rank, 2);
}

}  // namespace
}  // namespace octet::kernels::copy_strided
