#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "octet/error.h"
#include "tasks/agreement.h"
#include "tasks/classification_metric.h"
#include "tasks/coco_names.h"
#include "tasks/interval.h"
#include "tasks/keypoint_metric.h"
#include "tasks/regression_metric.h"

namespace octet {
namespace {

Predictions classes(std::initializer_list<int64_t> order) {
  Predictions out;
  float score = 1;
  for (int64_t c : order) out.classes.push_back({c, score /= 2});
  return out;
}

GroundTruth of_class(int64_t index) {
  GroundTruth truth;
  truth.id = "x";
  truth.class_index = index;
  return truth;
}

TEST(Classification, TopOneAndFive) {
  ClassificationMetric metric;
  metric.add(classes({3, 1, 2, 0, 4}), of_class(3));
  metric.add(classes({3, 1, 2, 0, 4}), of_class(4));
  metric.add(classes({3, 1, 2, 0, 4}), of_class(9));
  metric.add(classes({3, 1, 2, 0, 4, 9}), of_class(9));   // sixth
  auto values = metric.values();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_DOUBLE_EQ(values[0].value, .25);
  EXPECT_DOUBLE_EQ(values[1].value, .5);
  EXPECT_DOUBLE_EQ(metric.score(std::vector<uint32_t>{3, 0, 0, 1}), .75);
  EXPECT_THROW(metric.add(classes({1}), GroundTruth()), Error);
  EXPECT_TRUE(std::isnan(ClassificationMetric().score({})));
}

TEST(Interval, WilsonKnownValues) {
  // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
  Interval a = wilson_interval(81, 263), b = wilson_interval(0, 20), c = wilson_interval(15, 148), d = wilson_interval(1, 29);
  EXPECT_NEAR(a.low, .2553, 5e-5);
  EXPECT_NEAR(a.high, .3662, 5e-5);
  EXPECT_NEAR(b.low, 0, 1e-12);
  EXPECT_NEAR(b.high, .1611, 5e-5);
  EXPECT_NEAR(c.low, .0624, 5e-5);
  EXPECT_NEAR(c.high, .1605, 5e-5);
  EXPECT_NEAR(d.low, .0061, 5e-5);
  EXPECT_NEAR(d.high, .1718, 5e-5);
  EXPECT_TRUE(std::isnan(wilson_interval(0, 0).low));
}

TEST(Interval, BootstrapOfAMeanIsLikeTheNormalOne) {
  RegressionMetric metric;
  std::mt19937 random(4);
  for (int i = 0; i < 400; ++i) {
    Predictions p;
    p.values = {static_cast<float>(std::sqrt(1 + static_cast<double>(random() % 1000) / 1000))};
    GroundTruth truth;
    truth.targets = {0};
    metric.add(p, truth);
  }
  // Squared errors are uniform in [1, 2]: mean 1.5, σ 0.2887, of the mean 0.01443; of the root, divided by 2·√1.5.
  Interval interval = metric.interval();
  double half = 1.96 * .2887 / 20 / (2 * std::sqrt(1.5));
  EXPECT_NEAR(interval.high - interval.low, 2 * half, half * .25);
}

TEST(Interval, PairedDifferenceOfClassifiers) {
  ClassificationMetric a, b;
  for (int i = 0; i < 100; ++i) {
    a.add(classes({0, 1}), of_class(i < 80 ? 0 : 1));
    b.add(classes({i >= 70 && i < 80 ? 1 : 0, 2}), of_class(i < 80 ? 0 : 1));   // ten of a's right ones are lost, none won
  }
  PairedDifference d = paired_difference(a, b);
  EXPECT_NEAR(d.difference, -.1, 1e-12);
  EXPECT_NEAR(d.p_value, 2.0 / 1024, 1e-9);   // all ten to one side
  EXPECT_LT(d.interval.high, 0);
  EXPECT_NEAR(paired_difference(a, a).p_value, 1, 1e-12);
  EXPECT_DOUBLE_EQ(paired_difference(a, a).interval.low, 0);
  EXPECT_THROW(paired_difference(a, ClassificationMetric()), Error);
}

TEST(Regression, RootMeanSquareAndMeanAbsolute) {
  RegressionMetric metric;
  for (float error : {3.0f, -4.0f}) {
    Predictions p;
    p.values = {10 + error};
    GroundTruth truth;
    truth.targets = {10};
    metric.add(p, truth);
  }
  EXPECT_DOUBLE_EQ(metric.values()[0].value, std::sqrt(12.5));
  EXPECT_DOUBLE_EQ(metric.values()[1].value, 3.5);
  EXPECT_FALSE(metric.higher_is_better());
  GroundTruth two;
  two.targets = {1, 2};
  Predictions one;
  one.values = {1};
  EXPECT_THROW(metric.add(one, two), Error);
  EXPECT_THROW(metric.add(one, GroundTruth()), Error);
}

GroundTruth person(float area, int labelled, const std::string& id = "a.jpg#0", float shift = 0) {
  GroundTruth truth;
  truth.id = id;
  truth.has_points = true;
  TruthPoints object;
  object.box = {shift, 0, shift + 100, 200, 0, false, area};
  for (int i = 0; i < 17; ++i) object.points.push_back({shift + static_cast<float>(5 * i), static_cast<float>(10 * i), i < labelled ? 2 : 0});
  truth.objects.push_back(object);
  return truth;
}

Predictions pose(const GroundTruth& truth, float dx, float score = 1) {
  Predictions out;
  Detection& d = out.detections.emplace_back();
  d.score = score;
  for (const TruthKeypoint& p : truth.objects[0].points) d.points.push_back({p.x + dx, p.y, 1});
  return out;
}

TEST(Keypoints, SimilarityByHand) {
  GroundTruth truth = person(10000, 3);
  EXPECT_DOUBLE_EQ(object_keypoint_similarity(pose(truth, 0).detections[0].points, truth.objects[0], coco_point_sigmas()), 1);
  double want = 0;   // three labelled points, each 4 pixels off
  for (double sigma : {.026, .025, .025}) want += std::exp(-16 / (2 * 10000 * 4 * sigma * sigma)) / 3;
  EXPECT_NEAR(object_keypoint_similarity(pose(truth, 4).detections[0].points, truth.objects[0], coco_point_sigmas()), want, 1e-9);
  double by_box = 0;   // the box has 100 x 200
  for (double sigma : {.026, .025, .025}) by_box += std::exp(-16 / (2 * 20000 * 4 * sigma * sigma)) / 3;
  EXPECT_NEAR(object_keypoint_similarity(pose(truth, 4).detections[0].points, truth.objects[0], coco_point_sigmas(), true), by_box, 1e-9);
}

TEST(Keypoints, MeanAndPrecision) {
  KeypointMetric metric;
  // One picture with two persons, each in a frame of its own; the second pose is far off.
  GroundTruth first = person(10000, 17), second = person(10000, 17, "a.jpg#1", 500), unlabelled = person(10000, 0, "b.jpg#0");
  metric.add(pose(first, 0, .9f), first);
  metric.add(pose(second, 200, .8f), second);
  metric.add(pose(unlabelled, 0, .95f), unlabelled);
  EXPECT_EQ(metric.frames(), 2);   // the unlabelled person does not count
  auto values = metric.values();
  EXPECT_NEAR(values[0].value, .5, 1e-6);
  EXPECT_NEAR(values[1].value, 51.0 / 101, 1e-12);   // one of two found at precision 1
  EXPECT_NEAR(values[2].value, 51.0 / 101, 1e-12);
  EXPECT_THROW(metric.add({}, GroundTruth()), Error);
  Predictions five = pose(first, 0);
  five.detections[0].points.resize(5);
  EXPECT_THROW(metric.add(five, first), Error);
}

TEST(Agreement, Classes) {
  Agreement agreement;
  for (int i = 0; i < 10; ++i) agreement.add(classes({i == 0 ? 1 : 0, 2}), classes({0, 1}));
  MetricResult result = agreement.result();
  EXPECT_EQ(result.name, "same_top1");
  EXPECT_DOUBLE_EQ(result.value, .9);
  EXPECT_DOUBLE_EQ(agreement.identical_fraction(), .9);
  EXPECT_GT(result.interval.low, .5);
  EXPECT_LT(result.interval.high, 1);
}

TEST(Agreement, IsUnknownWhereNeitherFindsAnything) {
  Agreement agreement;
  Predictions nothing, faint, clear;
  faint.detections = {{0, 0, 10, 10, .1f, 0, {}}};
  clear.detections = {{0, 0, 10, 10, .9f, 0, {}}};
  agreement.add(nothing, nothing);
  agreement.add(faint, faint);   // below the limit
  EXPECT_TRUE(std::isnan(agreement.result().value));
  EXPECT_TRUE(std::isnan(agreement.result().interval.low));
  agreement.add(clear, clear);
  EXPECT_EQ(agreement.result().value, 1);
}

TEST(Agreement, Detections) {
  auto boxes = [](std::vector<Detection> detections) {
    Predictions out;
    out.detections = std::move(detections);
    return out;
  };
  Agreement agreement;
  agreement.add(boxes({{0, 0, 10, 10, .9f, 1, {}}, {20, 0, 30, 10, .31f, 1, {}}}), boxes({{0, 0, 10, 11, .8f, 1, {}}, {20, 0, 30, 10, .29f, 1, {}}}));
  EXPECT_DOUBLE_EQ(agreement.contributions()[0], 1);   // just below the limit is no disagreement
  agreement.add(boxes({{0, 0, 10, 10, .9f, 1, {}}}), boxes({{0, 0, 10, 10, .9f, 2, {}}}));
  EXPECT_DOUBLE_EQ(agreement.contributions()[1], 0);   // another class
  agreement.add(boxes({{0, 0, 10, 10, .9f, 1, {}}, {50, 50, 60, 60, .9f, 1, {}}}), boxes({{0, 0, 10, 10, .9f, 1, {}}}));
  EXPECT_DOUBLE_EQ(agreement.contributions()[2], 2.0 / 3);
  agreement.add({}, {});
  EXPECT_DOUBLE_EQ(agreement.contributions()[3], 1);
  EXPECT_EQ(agreement.result().name, "matched_detections");
  EXPECT_THROW(agreement.add(classes({1}), classes({1})), Error);
}

}  // namespace
}  // namespace octet
