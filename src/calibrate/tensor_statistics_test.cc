#include "calibrate/tensor_statistics.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "calibrate/range.h"
#include "octet/error.h"

namespace octet {
namespace {

std::vector<float> gaussian(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.5f, 2.0f);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(TensorStatistics, MergingShardsGivesTheSameBytesWhateverTheDivision) {
  std::vector<float> values = gaussian(10000, 3);
  TensorStatistics whole, left, middle, right;
  whole.add(values);
  std::span<const float> all(values);
  left.add(all.subspan(0, 17));
  middle.add(all.subspan(17, 6000));
  right.add(all.subspan(6017));
  TensorStatistics joined;
  joined.merge(right);
  joined.merge(left);
  joined.merge(middle);
  EXPECT_EQ(joined.save(), whole.save());
}

TEST(TensorStatistics, SaveAndLoad) {
  TensorStatistics statistics;
  statistics.add(gaussian(500, 5));
  std::string bytes = statistics.save();
  EXPECT_EQ(TensorStatistics::load(bytes).save(), bytes);
  for (size_t length : {size_t{0}, size_t{7}, bytes.size() / 2, bytes.size() - 1}) EXPECT_THROW(TensorStatistics::load(bytes.substr(0, length)), Error);
  EXPECT_THROW(TensorStatistics::load(bytes + "x"), Error);
}

TEST(TensorStatistics, MovingAverageFollowsFramesAndRefusesMerging) {
  TensorStatistics statistics;
  statistics.add(std::vector<float>{-1, 2});
  statistics.add(std::vector<float>{-11, 2});
  EXPECT_FLOAT_EQ(statistics.average_range().lowest, -2);
  EXPECT_FLOAT_EQ(statistics.average_range().highest, 2);
  RangeOptions options;
  options.calibrator = Calibrator::kMovingAverage;
  EXPECT_FLOAT_EQ(choose_range(statistics, options).lowest, -2);
  EXPECT_THROW(choose_range(TensorStatistics::load(statistics.save()), options), Error);
  TensorStatistics other;
  other.merge(statistics);
  EXPECT_THROW(choose_range(other, options), Error);
}

TEST(TensorStatistics, CountsSpecialValuesApart) {
  TensorStatistics statistics;
  std::vector<float> values = {1, NAN, INFINITY, -2, 0, -0.0f};
  statistics.add(values);
  EXPECT_EQ(statistics.nan_count(), 1);
  EXPECT_EQ(statistics.count(), 4);
  EXPECT_EQ(statistics.lowest(), -2);
  EXPECT_EQ(statistics.highest(), INFINITY);
  Range range = choose_range(statistics, {});
  EXPECT_EQ(range.lowest, -2);
  EXPECT_NEAR(range.highest, 1, 0.01);   // what is finite, to within the bin it fell into
}

TEST(TensorStatistics, BinsFollowTheValues) {
  TensorStatistics statistics;
  std::vector<float> values = {-3, -1, 0, 0, 0.5f, 7};
  statistics.add(values);
  auto bins = statistics.bins();
  ASSERT_EQ(bins.size(), 5u);
  for (size_t i = 1; i < bins.size(); ++i) EXPECT_LT(bins[i - 1].value, bins[i].value);
  EXPECT_NEAR(bins[0].value, -3, 0.03);
  EXPECT_EQ(bins[2].value, 0);
  EXPECT_EQ(bins[2].count, 2);
  EXPECT_EQ(bins[4].value, 7);
}

// One outlier among many: min-max keeps it, the others give the mass more levels.
TEST(Range, CalibratorsCutOutliers) {
  std::vector<float> values = gaussian(200000, 9);
  values.push_back(1000);
  TensorStatistics statistics;
  statistics.add(values);
  RangeOptions options;
  EXPECT_EQ(choose_range(statistics, options).highest, 1000);
  for (Calibrator calibrator : {Calibrator::kPercentile, Calibrator::kMse, Calibrator::kEntropy}) {
    options.calibrator = calibrator;
    Range range = choose_range(statistics, options);
    // The squared error of cutting one value at 1000 is large: 200,000 · (T/255)²/12 + (1000 − T)² is least near T = 800.
    EXPECT_LT(range.highest, calibrator == Calibrator::kMse ? 850 : 400) << calibrator_name(calibrator);
    EXPECT_GT(range.highest, 4) << calibrator_name(calibrator);
    EXPECT_LE(range.lowest, -3) << calibrator_name(calibrator);
  }
}

TEST(Range, AlwaysHoldsZeroAndStaysInsideWhatWasSeen) {
  TensorStatistics positive;
  std::vector<float> values = {3, 4, 5};
  positive.add(values);
  for (int c = 0; c < 4; ++c) {
    RangeOptions options;
    options.calibrator = static_cast<Calibrator>(c);
    Range range = choose_range(positive, options);
    EXPECT_EQ(range.lowest, 0);
    EXPECT_LE(range.highest, 5);
    EXPECT_GT(range.highest, 2.9f);
    options.symmetric = true;
    range = choose_range(positive, options);
    EXPECT_EQ(range.lowest, -range.highest);
  }
  Range empty = choose_range(TensorStatistics(), {});
  EXPECT_EQ(empty.lowest, 0);
  EXPECT_EQ(empty.highest, 0);
}

}  // namespace
}  // namespace octet
