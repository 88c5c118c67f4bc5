#include "tasks/detection_metric.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "octet/error.h"
#include "tasks/interval.h"

namespace octet {
namespace {

Detection found(float x1, float y1, float x2, float y2, float score, int class_index = 0) {
  return {x1, y1, x2, y2, score, class_index, {}};
}

GroundTruth labelled(std::vector<TruthBox> boxes) {
  GroundTruth truth;
  truth.id = "picture";
  truth.has_boxes = true;
  truth.boxes = std::move(boxes);
  return truth;
}

double value_of(const Metric& metric, const std::string& name) {
  for (const MetricValue& v : metric.values())
    if (v.name == name) return v.value;
  ADD_FAILURE() << "no value " << name;
  return 0;
}

TEST(DetectionMetric, PerfectAndEmpty) {
  DetectionMetric perfect, blind, nothing;
  for (int i = 0; i < 3; ++i) {
    GroundTruth truth = labelled({{0, 0, 50, 50, 0, false, 2500}, {60, 60, 100, 100, 4, false, 1600}});
    Predictions right;
    right.detections = {found(0, 0, 50, 50, .9f), found(60, 60, 100, 100, .8f, 4)};
    perfect.add(right, truth);
    blind.add({}, truth);
    nothing.add(right, labelled({}));
  }
  EXPECT_DOUBLE_EQ(perfect.score({}), 1);
  EXPECT_DOUBLE_EQ(value_of(perfect, "AP75"), 1);
  EXPECT_DOUBLE_EQ(value_of(perfect, "AP_medium"), 1);
  EXPECT_TRUE(std::isnan(value_of(perfect, "AP_small")));
  EXPECT_DOUBLE_EQ(value_of(perfect, "AR"), 1);
  EXPECT_DOUBLE_EQ(blind.score({}), 0);
  EXPECT_TRUE(std::isnan(nothing.score({})));
  EXPECT_EQ(perfect.per_class().size(), 2u);
  MetricResult result = perfect.result();
  EXPECT_EQ(result.name, "AP");
  EXPECT_EQ(result.frames, 3);
  EXPECT_DOUBLE_EQ(result.interval.low, 1);
}

// Two truths, three detections: right (.9), wrong (.8), right (.7). Precision 1 up to recall 1/2, then 2/3: 51 recall
// points at 1 and 50 at 2/3.
TEST(DetectionMetric, OneIouByHand) {
  DetectionMetric metric({.match_iou = .5});
  Predictions predictions;
  predictions.detections = {found(0, 0, 10, 10, .9f), found(100, 100, 110, 110, .8f), found(20, 0, 30, 10, .7f)};
  metric.add(predictions, labelled({{0, 0, 10, 10, 0, false, 100}, {20, 0, 30, 10, 0, false, 100}}));
  EXPECT_STREQ(metric.name(), "AP50");
  EXPECT_NEAR(metric.score({}), (51 + 50 * 2.0 / 3) / 101, 1e-12);
}

// A box that overlaps its truth by 0.8 counts at the seven thresholds 0.50 … 0.80.
TEST(DetectionMetric, CocoThresholdsByHand) {
  DetectionMetric metric;
  Predictions predictions;
  predictions.detections = {found(0, 0, 100, 81, .9f)};
  metric.add(predictions, labelled({{0, 0, 100, 100, 0, false, 10000}}));
  EXPECT_NEAR(metric.score({}), .7, 1e-12);
  EXPECT_DOUBLE_EQ(value_of(metric, "AP50"), 1);
  EXPECT_NEAR(value_of(metric, "AP_large"), .7, 1e-12);
}

TEST(DetectionMetric, ACrowdIsNeitherRightNorWrong) {
  DetectionMetric metric({.match_iou = .5});
  Predictions predictions;
  predictions.detections = {found(100, 100, 120, 120, .95f), found(130, 130, 150, 150, .94f), found(0, 0, 10, 10, .9f)};
  metric.add(predictions, labelled({{0, 0, 10, 10, 0, false, 100}, {90, 90, 200, 200, 0, true, 12100}}));
  EXPECT_DOUBLE_EQ(metric.score({}), 1);
}

TEST(DetectionMetric, RefusesFramesWithoutBoxes) {
  DetectionMetric metric;
  GroundTruth truth;
  truth.id = "a.jpg";
  EXPECT_THROW(metric.add({}, truth), Error);
  EXPECT_THROW(DetectionMetric({.match_iou = 1.5}), Error);
}

// --- an independent, slow form of the whole evaluation: every threshold, class and range from scratch ----------------

struct Scene { Predictions predictions; GroundTruth truth; };

double overlap(const Detection& d, const TruthBox& t) {
  double w = std::min<double>(d.x2, t.x2) - std::max<double>(d.x1, t.x1), h = std::min<double>(d.y2, t.y2) - std::max<double>(d.y1, t.y1);
  if (w <= 0 || h <= 0) return 0;
  double da = double(d.x2 - d.x1) * double(d.y2 - d.y1), ta = double(t.x2 - t.x1) * double(t.y2 - t.y1);
  return w * h / (t.is_crowd ? da : da + ta - w * h);
}

double oracle_ap(const std::vector<Scene>& scenes, int class_index, double threshold, double low, double high, bool& any) {
  struct Row { float score; bool right, wrong; };
  std::vector<Row> rows;
  int positives = 0;
  for (const Scene& scene : scenes) {
    std::vector<TruthBox> truths, ignored;
    for (const TruthBox& t : scene.truth.boxes) {
      if (t.class_index != class_index) continue;
      (t.is_crowd || t.area < low || t.area > high ? ignored : truths).push_back(t);
    }
    positives += static_cast<int>(truths.size());
    std::vector<Detection> detections;
    for (const Detection& d : scene.predictions.detections)
      if (d.class_index == class_index) detections.push_back(d);
    std::stable_sort(detections.begin(), detections.end(), [](auto& a, auto& b) { return a.score > b.score; });
    if (detections.size() > 100) detections.resize(100);
    std::vector<bool> used(truths.size()), ignored_used(ignored.size());
    for (const Detection& d : detections) {
      int best = -1, best_ignored = -1;
      double at_least = threshold;
      for (size_t i = 0; i < truths.size(); ++i)   // the last of equals wins, as there
        if (!used[i] && overlap(d, truths[i]) >= at_least) at_least = overlap(d, truths[i]), best = static_cast<int>(i);
      at_least = threshold;
      for (size_t i = 0; i < ignored.size() && best < 0; ++i)
        if ((!ignored_used[i] || ignored[i].is_crowd) && overlap(d, ignored[i]) >= at_least)
          at_least = overlap(d, ignored[i]), best_ignored = static_cast<int>(i);
      if (best >= 0) used[static_cast<size_t>(best)] = true;
      if (best_ignored >= 0) ignored_used[static_cast<size_t>(best_ignored)] = true;
      double area = double(d.x2 - d.x1) * double(d.y2 - d.y1);
      bool outside = area < low || area > high;
      rows.push_back({d.score, best >= 0, best < 0 && best_ignored < 0 && !outside});
    }
  }
  any = positives > 0;
  if (!any) return 0;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.score > b.score; });
  double total = 0;
  for (int r = 0; r <= 100; ++r) {
    double best = 0, right = 0, wrong = 0;
    for (const Row& row : rows) {
      right += row.right;
      wrong += row.wrong;
      if (right / positives >= (r == 100 ? 1.0 : r * .01) && right + wrong > 0) best = std::max(best, right / (right + wrong));
    }
    total += best;
  }
  return total / 101;
}

double oracle(const std::vector<Scene>& scenes, std::vector<double> thresholds, double low, double high) {
  double sum = 0;
  int count = 0;
  for (int c = 0; c < 3; ++c)
    for (double t : thresholds) {
      bool any = false;
      double ap = oracle_ap(scenes, c, t, low, high, any);
      if (any) sum += ap, ++count;
    }
  return sum / count;
}

std::vector<Scene> random_scenes(uint32_t seed, int count) {
  std::mt19937 random(seed);
  auto uniform = [&](double low, double high) { return static_cast<float>(low + (high - low) * static_cast<double>(random() % 10007) / 10007); };
  std::vector<Scene> scenes;
  for (int n = 0; n < count; ++n) {
    Scene scene;
    scene.truth = labelled({});
    int boxes = static_cast<int>(random() % 8);
    for (int i = 0; i < boxes; ++i) {
      float x = uniform(0, 300), y = uniform(0, 300), w = uniform(4, 160), h = uniform(4, 160);
      scene.truth.boxes.push_back({x, y, x + w, y + h, static_cast<int>(random() % 3), random() % 8 == 0, w * h * uniform(.5, 1)});
      for (int k = static_cast<int>(random() % 4); k > 0; --k) {   // near it, scores often equal
        float dx = uniform(-.2, .2) * w, dy = uniform(-.2, .2) * h;
        scene.predictions.detections.push_back(found(x + dx, y + dy, x + dx + w * uniform(.8, 1.2), y + dy + h * uniform(.8, 1.2),
                                                     static_cast<float>(random() % 20) / 20, static_cast<int>(random() % 10 ? scene.truth.boxes.back().class_index : random() % 3)));
      }
    }
    for (int k = static_cast<int>(random() % 5); k > 0; --k) {
      float x = uniform(0, 300), y = uniform(0, 300);
      scene.predictions.detections.push_back(found(x, y, x + uniform(4, 160), y + uniform(4, 160), static_cast<float>(random() % 20) / 20, static_cast<int>(random() % 3)));
    }
    scenes.push_back(std::move(scene));
  }
  return scenes;
}

TEST(DetectionMetric, MatchesTheSlowOracle) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    auto scenes = random_scenes(seed, 25);
    DetectionMetric metric, loose({.match_iou = .3});
    for (const Scene& scene : scenes) {
      metric.add(scene.predictions, scene.truth);
      loose.add(scene.predictions, scene.truth);
    }
    auto all = coco_iou_thresholds();
    ASSERT_EQ(all.size(), 10u);
    ASSERT_DOUBLE_EQ(all[5], .75);
    EXPECT_NEAR(metric.score({}), oracle(scenes, all, 0, 1e10), 1e-12);
    EXPECT_NEAR(value_of(metric, "AP50"), oracle(scenes, {.5}, 0, 1e10), 1e-12);
    EXPECT_NEAR(value_of(metric, "AP75"), oracle(scenes, {all[5]}, 0, 1e10), 1e-12);
    EXPECT_NEAR(value_of(metric, "AP_small"), oracle(scenes, all, 0, 1024), 1e-12);
    EXPECT_NEAR(value_of(metric, "AP_medium"), oracle(scenes, all, 1024, 9216), 1e-12);
    EXPECT_NEAR(value_of(metric, "AP_large"), oracle(scenes, all, 9216, 1e10), 1e-12);
    EXPECT_NEAR(loose.score({}), oracle(scenes, {.3}, 0, 1e10), 1e-12);
  }
}

// A frame counted twice is the same as the frame given twice, up to the order of equal scores.
TEST(DetectionMetric, WeightsCountFrames) {
  auto scenes = random_scenes(5, 20);
  std::mt19937 random(9);
  for (Scene& scene : scenes)
    for (Detection& d : scene.predictions.detections) d.score = static_cast<float>(random() % 1000003) / 1000003;
  DetectionMetric once, repeated;
  std::vector<uint32_t> weights;
  for (size_t i = 0; i < scenes.size(); ++i) {
    once.add(scenes[i].predictions, scenes[i].truth);
    weights.push_back(static_cast<uint32_t>(i % 3));
    for (size_t k = 0; k < i % 3; ++k) repeated.add(scenes[i].predictions, scenes[i].truth);
  }
  EXPECT_NEAR(once.score(weights), repeated.score({}), 1e-12);
  EXPECT_DOUBLE_EQ(once.score(std::vector<uint32_t>(scenes.size(), 1)), once.score({}));
}

TEST(DetectionMetric, IntervalHoldsTheValueAndRepeats) {
  DetectionMetric metric;
  for (const Scene& scene : random_scenes(3, 40)) metric.add(scene.predictions, scene.truth);
  Interval interval = metric.interval(), again = metric.interval();
  EXPECT_LT(interval.low, metric.score({}));
  EXPECT_GT(interval.high, metric.score({}));
  EXPECT_LT(interval.high - interval.low, .5);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

}  // namespace
}  // namespace octet
