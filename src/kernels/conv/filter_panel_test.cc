#include "kernels/conv/filter_panel.h"

#include "kernels/conv/rows.h"
#include "kernels/test_support.h"

namespace octet::kernels {
namespace {

// The order that gemm_int8.h describes, one byte after the other.
void expect_packed_by(const FilterPanel& p, int64_t columns, int64_t width, const std::vector<int8_t>& weights) {
  std::vector<int8_t> packed(static_cast<size_t>(p.taps * p.padded_channels * width), int8_t{77});
  std::vector<int32_t> sums(static_cast<size_t>(columns), 5);
  pack_filter_panel(p, weights.data(), columns, width, packed.data(), sums.data());
  for (int64_t o = 0; o < width; ++o) {
    int32_t sum = 5;
    for (int64_t tap = 0; tap < p.taps; ++tap)
      for (int64_t c = 0; c < p.padded_channels; ++c) {
        int8_t want = 0;
        if (o < columns && c < p.channels) {
          const int64_t offset = p.offsets[tap * p.channels + c];
          if (offset >= 0) want = static_cast<int8_t>(static_cast<uint8_t>(weights[static_cast<size_t>(o * p.output_stride + offset)]) ^ p.flip);
          sum += want;
        }
        const int64_t at = tap * p.padded_channels * width + c / p.k_group * width * p.k_group + o * p.k_group + c % p.k_group;
        ASSERT_EQ(packed[static_cast<size_t>(at)], want) << "tap " << tap << " channel " << c << " column " << o << " of " << columns;
      }
    if (o < columns) ASSERT_EQ(sums[static_cast<size_t>(o)], sum) << "column " << o;
  }
}

void expect_packed(FilterPanel p, int64_t columns, int64_t width, const std::vector<int8_t>& weights) {
  for_each_kernel<pack_int8::Kernel>(pack_int8::entries(), [&](const char*, const pack_int8::Kernel& kernel) {
    p.kernel = &kernel;
    expect_packed_by(p, columns, width, weights);
  });
}

TEST(FilterPanel, EveryOrderOfWeights) {
  Random random(5);
  for (int64_t group : {1, 2, 4, 8})
    for (int64_t inputs : {1, 3, 4, 7, 64, 65, 130, 515})
      for (int64_t columns : {1, 7, 8, 9, 31, 32})
        for (int64_t taps : {1, 9})
          for (int form = 0; form < 3; ++form) {
            if (inputs > 130 && taps > 1) continue;
            FilterPanel p;
            p.taps = taps, p.channels = inputs, p.padded_channels = round_up(inputs, group * 4), p.k_group = group;
            p.flip = columns % 2 == 0 ? 0x80 : 0;
            p.output_stride = form == 1 ? taps : inputs * taps;             // ConvTranspose, B[K,N]; else Conv, B[N,K]
            const int64_t channel_stride = form == 0 ? taps : form == 1 ? columns * taps : 1;
            if (form != 1) p.dense = inputs * taps;
            std::vector<int64_t> offsets;
            const int64_t tap_stride = form == 2 ? inputs : 1;
            for (int64_t t = 0; t < taps; ++t)
              for (int64_t c = 0; c < inputs; ++c) offsets.push_back(t * tap_stride + c * channel_stride);
            p.offsets = offsets.data();
            std::vector<int8_t> weights(static_cast<size_t>(inputs * taps * columns));
            for (int8_t& w : weights) w = static_cast<int8_t>(random.below(256));
            expect_packed(p, columns, round_up(columns, 16), weights);
          }
}

TEST(FilterPanel, TapsInAnyOrder) {
  Random random(7);
  for (int64_t inputs : {1, 4, 6, 64, 67})
    for (int64_t columns : {1, 16, 30, 64}) {
      std::vector<int64_t> order = {4, 0, 8, 1, 7, 2, 6, 3, 5}, offsets;
      for (int64_t t : order)
        for (int64_t c = 0; c < inputs; ++c) offsets.push_back(t + 9 * c);
      FilterPanel p;
      p.taps = 9, p.channels = inputs, p.padded_channels = round_up(inputs, 64), p.k_group = 4;
      p.output_stride = p.dense = inputs * 9, p.offsets = offsets.data();
      const std::vector<uint8_t> bytes = random.bytes(inputs * 9 * columns);
      const std::vector<int8_t> weights(bytes.begin(), bytes.end());
      expect_packed(p, columns, round_up(columns, 16) + 16, weights);
      p.taps = 3, p.channels = 3 * inputs, p.padded_channels = round_up(p.channels, 64);   // the same in runs of three taps
      expect_packed(p, columns, round_up(columns, 16), weights);
    }
}

TEST(FilterPanel, HolesAreZero) {
  Random random(6);
  std::vector<int8_t> weights(24 * 32);
  for (int8_t& w : weights) w = static_cast<int8_t>(random.below(256));
  std::vector<int64_t> offsets;
  for (int64_t e = 0, next = 0; e < 40; ++e) offsets.push_back(e % 5 < 3 ? next++ : -1);
  FilterPanel p;
  p.taps = 1, p.channels = 40, p.padded_channels = 64, p.k_group = 4, p.output_stride = 24, p.offsets = offsets.data(), p.dense = 24;
  expect_packed(p, 32, 32, weights);
  p.dense = 0;
  expect_packed(p, 32, 32, weights);
}

TEST(FilterPanel, ExtremeSums) {
  for (int8_t value : {int8_t{-128}, int8_t{127}}) {
    FilterPanel p;
    p.taps = 1, p.channels = 5000, p.padded_channels = 5056, p.k_group = 4;
    std::vector<int8_t> weights(5000 * 16, value);
    std::vector<int64_t> offsets(5000);
    for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = static_cast<int64_t>(i);
    p.offsets = offsets.data(), p.output_stride = p.dense = 5000;
    expect_packed(p, 16, 16, weights);
  }
}

}  // namespace
}  // namespace octet::kernels
