#include "tasks/nms.h"

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace octet {
namespace {

Detection box(float x1, float y1, float x2, float y2, float score, int class_index = 0) {
  return {x1, y1, x2, y2, score, class_index, {}};
}

TEST(BoxIou, HandComputed) {
  EXPECT_DOUBLE_EQ(box_iou(box(0, 0, 10, 10, 1), box(5, 0, 15, 10, 1)), 50.0 / 150.0);
  EXPECT_DOUBLE_EQ(box_iou(box(0, 0, 10, 10, 1), box(0, 0, 10, 10, 1)), 1);
  EXPECT_DOUBLE_EQ(box_iou(box(0, 0, 10, 10, 1), box(10, 0, 20, 10, 1)), 0);   // they touch
  EXPECT_DOUBLE_EQ(box_iou(box(0, 0, 0, 0, 1), box(0, 0, 0, 0, 1)), 0);        // no area, no division by zero
}

TEST(Nms, KeepsTheBestOfAnOverlapAndOtherClasses) {
  std::vector<Detection> in = {box(0, 0, 10, 10, .5f), box(1, 0, 11, 10, .9f), box(0, 0, 10, 10, .8f, 1), box(50, 50, 60, 60, .1f)};
  auto out = non_maximum_suppression(in, {.iou = .5});
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0], in[1]);
  EXPECT_EQ(out[1], in[2]);
  EXPECT_EQ(out[2], in[3]);
  EXPECT_EQ(non_maximum_suppression(in, {.iou = .5, .class_agnostic = true}).size(), 2u);
  EXPECT_EQ(non_maximum_suppression(in, {.iou = 1}).size(), 4u);
  EXPECT_EQ(non_maximum_suppression(in, {.iou = .5, .max_detections = 1}).size(), 1u);
}

TEST(Nms, EqualScoresKeepTheirOrderAndNanIsDropped) {
  std::vector<Detection> in = {box(0, 0, 10, 10, .5f), box(1, 0, 11, 10, .5f), box(30, 0, 40, 10, .5f),
                               box(80, 0, 90, 10, std::numeric_limits<float>::quiet_NaN())};
  auto out = non_maximum_suppression(in, {.iou = .5});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0], in[0]);
  EXPECT_EQ(out[1], in[2]);
}

// The slow obvious form: mark, over all pairs.
std::vector<Detection> oracle(std::vector<Detection> in, double iou) {
  std::vector<bool> dead(in.size());
  std::vector<Detection> out;
  for (;;) {
    size_t best = in.size();
    for (size_t i = 0; i < in.size(); ++i)
      if (!dead[i] && (best == in.size() || in[i].score > in[best].score)) best = i;
    if (best == in.size()) return out;
    out.push_back(in[best]);
    dead[best] = true;
    for (size_t i = 0; i < in.size(); ++i)
      if (in[i].class_index == in[best].class_index && box_iou(in[i], in[best]) > iou) dead[i] = true;
  }
}

TEST(Nms, MatchesTheOracleOnRandomBoxes) {
  std::mt19937 random(3);
  auto unit = [&] { return static_cast<float>(random() % 1000) / 1000.0f; };
  for (int round = 0; round < 50; ++round) {
    std::vector<Detection> in;
    for (int i = 0; i < 60; ++i) {
      float x = unit() * 30, y = unit() * 30;
      in.push_back(box(x, y, x + 1 + unit() * 20, y + 1 + unit() * 20, static_cast<float>(random() % 20) / 20, static_cast<int>(random() % 3)));
    }
    EXPECT_EQ(non_maximum_suppression(in, {.iou = .4}), oracle(in, .4));
  }
}

}  // namespace
}  // namespace octet
