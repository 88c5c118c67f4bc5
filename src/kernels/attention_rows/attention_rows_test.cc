#include "kernels/attention_rows/attention_rows.h"

#include "kernels/quantize/quantize.h"
#include "kernels/softmax_f32/softmax_f32.h"
#include "kernels/test_support.h"

namespace octet::kernels::attention_rows {
namespace {

std::vector<Params> sweep(const std::vector<float>& addend, int64_t columns) {
  std::vector<Params> all;
  for (Scaling scaling : {Scaling::kNone, Scaling::kMultiply, Scaling::kDivide})
    for (float factor : {8.0f, 11.3137085f, 0.3f, 0x1p-126f, -2.0f})
      for (int addends : {0, 1, 2}) {
        Params p;
        p.scaling = scaling;
        p.factor = factor;
        p.addend = addends == 0 ? nullptr : addend.data();
        p.addend_stride = addends == 1 ? 0 : columns;
        all.push_back(p);
        if (scaling == Scaling::kNone) continue;
        p.scale = 0.0039f, p.zero_point = -128, p.low = -128, p.high = 127;
        all.push_back(p);
        p.scale = 1e-30f, p.zero_point = 7, p.low = 0, p.high = 255;
        all.push_back(p);
      }
  return all;
}

TEST(AttentionRows, EveryKernelMatchesTheReference) {
  Random random(31);
  for_each_kernel<Kernel>(entries(), [&](const char*, const Kernel& kernel) {
    for (int64_t columns : {0, 1, 7, 15, 16, 17, 31, 33, 64, 197})
      for (bool wild : {false, true}) {
        const int64_t rows = 3, x_stride = columns + 3, y_stride = columns + 1;
        const std::vector<float> scores = wild ? random.wild_floats(rows * x_stride + 1) : random.floats(rows * x_stride + 1, -40, 40);
        const std::vector<float> addend = wild ? random.wild_floats(rows * columns + 1) : random.floats(rows * columns + 1, -5, 5);
        for (const Params& p : sweep(addend, columns)) {
          std::vector<float> want = scores, got = scores;
          reference.floats(p, want.data() + 1, rows, columns, x_stride);
          kernel.floats(p, got.data() + 1, rows, columns, x_stride);
          ASSERT_TRUE(same_bits(got, want)) << columns << " columns, factor " << p.factor;
          std::vector<float> a = scores, b = scores;
          std::vector<uint8_t> bytes(static_cast<size_t>(rows * y_stride + 1), 5), same = bytes;
          std::vector<int32_t> sums(3, -1), sums_too(3, -2);
          reference.bytes(p, a.data() + 1, bytes.data() + 1, rows, columns, x_stride, y_stride, sums.data());
          kernel.bytes(p, b.data() + 1, same.data() + 1, rows, columns, x_stride, y_stride, sums_too.data());
          ASSERT_TRUE(same_bits(same, bytes)) << columns << " columns, factor " << p.factor << ", scale " << p.scale;
          ASSERT_EQ(sums_too, sums);
        }
      }
  });
}

TEST(AttentionRows, IsSoftmaxThenQuantize) {
  Random random(32);
  const int64_t rows = 4, columns = 50;
  const std::vector<float> scores = random.floats(rows * columns, -10, 10);
  std::vector<float> scaled, probabilities(scores.size());
  for (float v : scores) scaled.push_back(v / 8.0f);
  softmax_f32::reference.softmax(scaled.data(), probabilities.data(), rows, columns, columns, columns);
  std::vector<uint8_t> want(scores.size()), got(scores.size());
  quantize::reference.tensor(probabilities.data(), want.data(), rows * columns, 0.003f, 0, {0, 255});
  Params p;
  p.scaling = Scaling::kDivide, p.factor = 8, p.scale = 0.003f;
  std::vector<float> x = scores;
  reference.bytes(p, x.data(), got.data(), rows, columns, columns, columns, nullptr);
  EXPECT_EQ(got, want);
}

TEST(AttentionRows, SelectionFollowsTheLevel) { expect_selection<Kernel>(entries()); }

}  // namespace
}  // namespace octet::kernels::attention_rows
