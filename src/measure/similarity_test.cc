#include "measure/similarity.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace octet {
namespace {

Tensor floats(std::initializer_list<float> values) { return Tensor::of<float>(values); }

TEST(Similarity, EqualTensors) {
  SimilaritySum sum;
  sum.add(floats({1, -2, 3}), floats({1, -2, 3}), "y");
  Similarity s = sum.result();
  EXPECT_EQ(s.max_abs, 0);
  EXPECT_EQ(s.cosine, 1);
  EXPECT_TRUE(std::isinf(s.sqnr_db));
  EXPECT_EQ(s.elements, 3);
}

TEST(Similarity, KnownNoise) {
  SimilaritySum sum;   // signal 100, noise 1 over two frames
  sum.add(floats({6, 0}), floats({6, 0}), "y");
  sum.add(floats({0, 8}), floats({1, 8}), "y");
  Similarity s = sum.result();
  EXPECT_NEAR(s.sqnr_db, 20, 1e-12);
  EXPECT_EQ(s.max_abs, 1);
  EXPECT_NEAR(s.cosine, 100 / std::sqrt(100.0 * 101.0), 1e-12);
}

TEST(Similarity, OtherTypesAreConverted) {
  SimilaritySum sum;
  sum.add(Tensor::of<int64_t>({3, 4}), floats({3, 5}), "y");
  EXPECT_EQ(sum.result().max_abs, 1);
}

TEST(Similarity, InfinitiesOnBothSidesAreNoError) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  SimilaritySum both;
  both.add(floats({kInfinity, 1}), floats({kInfinity, 1}), "y");
  EXPECT_EQ(both.result().max_abs, 0);
  SimilaritySum one;
  one.add(floats({NAN, 1}), floats({0, 1}), "y");
  EXPECT_TRUE(std::isnan(one.result().sqnr_db));
  EXPECT_TRUE(std::isnan(one.result().max_abs));
}

TEST(Similarity, OtherShapesAreCounted) {
  SimilaritySum sum;
  sum.add(floats({1, 2}), floats({1}), "y");
  EXPECT_EQ(sum.result().frames_left_out, 1);
  EXPECT_TRUE(std::isnan(sum.result().sqnr_db));
  sum.add(floats({1, 2}), floats({1, 2}), "y");
  EXPECT_EQ(sum.result().max_abs, 0);
}

}  // namespace
}  // namespace octet
