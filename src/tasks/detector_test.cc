// The decoders of several outputs: ssd, detr, yunet; and heatmap.
#include <cmath>

#include <gtest/gtest.h>

#include "tasks/decoder_testing.h"

namespace octet {
namespace {

using testing::doubled;
using testing::error_of;
using testing::filled;
using testing::make_decoder;

TEST(Ssd, RelativeCornersWithoutTheBackground) {
  std::vector<NamedTensor> outputs = {
      {"a", Tensor::of<float>({.1f, .9f, .995f, .005f}).reshaped({1, 2, 2})},   // roles are told by the last extent
      {"b", Tensor::of<float>({.25f, .5f, .5f, 1.5f, 0, 0, 1, 1}).reshaped({1, 2, 4})}};
  auto found = make_decoder("ssd")->decode(outputs, doubled(320, 160)).detections;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (Detection{40, 40, 80, 100, .9f, 0, {}}));   // clipped at the source's lower border
  auto unclipped = make_decoder("ssd", {}, {{"clip", false}})->decode(outputs, doubled(320, 160)).detections;
  EXPECT_FLOAT_EQ(unclipped[0].y2, 120);
  auto all = make_decoder("ssd", {}, {{"background", int64_t{-1}}, {"nms_iou", 1.0}})->decode(outputs, doubled(320, 160)).detections;
  EXPECT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].class_index, 0);
  EXPECT_EQ(all[1].class_index, 1);
}

TEST(Ssd, OtherBoxFormats) {
  Tensor scores = Tensor::of<float>({.1f, .9f}).reshaped({1, 1, 2});
  Geometry plain{100, 100, 100, 100, 1, 1, 0, 0};
  auto one = [&](Tensor boxes, std::vector<std::pair<std::string, ParameterValue>> parameters) {
    std::vector<NamedTensor> outputs = {{"scores", scores}, {"boxes", std::move(boxes)}};
    auto found = make_decoder("ssd", {}, std::move(parameters))->decode(outputs, plain).detections;
    return found.empty() ? Detection{} : found[0];
  };
  EXPECT_EQ(one(Tensor::of<float>({.5f, .5f, .5f, .25f}).reshaped({1, 1, 4}), {{"box_format", std::string("centers")}}), (Detection{25, 37.5f, 75, 62.5f, .9f, 0, {}}));
  EXPECT_EQ(one(Tensor::of<float>({.1f, .2f, .3f, .4f}).reshaped({1, 1, 4}), {{"box_format", std::string("yxyx")}}).x1, 20);
  // One prior: stride 100, 40 pixels: centre 50, offsets (1, 0)·0.1·40, size 40·exp(5·0.2).
  Detection d = one(Tensor::of<float>({1, 0, 0, 5}).reshaped({1, 1, 4}), {{"box_format", std::string("priors")}, {"strides", std::vector<double>{100}},
                    {"prior_sizes", std::vector<std::string>{"40"}}, {"clip", false}});
  EXPECT_NEAR(d.x1, 54 - 20, 1e-4);
  EXPECT_NEAR(d.x2, 54 + 20, 1e-4);
  EXPECT_NEAR(d.y1, 50 - 20 * std::exp(1.0), 1e-4);
  EXPECT_NE(error_of([&] { one(filled({1, 1, 4}, 0), {{"box_format", std::string("priors")}}); }).find("priors"), std::string::npos);
  EXPECT_NE(error_of([&] { one(filled({1, 2, 4}, 0), {}); }).find("which output holds the scores"), std::string::npos);
  EXPECT_NE(error_of([&] { make_decoder("ssd", {}, {{"box_format", std::string("priors")}, {"prior_sizes", std::vector<std::string>{"4 x"}}}); })
                .find("positive numbers"), std::string::npos);
}

TEST(Ssd, ScoresOfFourClassesAreToldByName) {
  std::vector<NamedTensor> outputs = {{"scores", Tensor::of<float>({.1f, .1f, .7f, .1f}).reshaped({1, 1, 4})},
                                      {"boxes", Tensor::of<float>({0, 0, .5f, .5f}).reshaped({1, 1, 4})}};
  for (int order = 0; order < 2; ++order) {
    auto found = make_decoder("ssd")->decode(outputs, doubled(320, 160)).detections;
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].class_index, 1);
    std::swap(outputs[0], outputs[1]);
  }
}

TEST(Detr, DecodedFormIsInPixelsOfTheSource) {
  std::vector<NamedTensor> outputs = {{"labels", Tensor::of<int64_t>({7, 3}).reshaped({1, 2})},
                                      {"boxes", Tensor::of<float>({1, 2, 30, 40, 5, 6, 70, 80}).reshaped({1, 2, 4})},
                                      {"scores", Tensor::of<float>({.3f, .8f}).reshaped({1, 2})}};
  auto found = make_decoder("detr")->decode(outputs, doubled(320, 320)).detections;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (Detection{5, 6, 70, 80, .8f, 3, {}}));
  EXPECT_EQ(found[1], (Detection{1, 2, 30, 40, .3f, 7, {}}));
  auto input = make_decoder("detr", {}, {{"box_space", std::string("input")}})->decode(outputs, doubled(320, 320)).detections;
  EXPECT_EQ(input[0], (Detection{2.5f, 3, 35, 40, .8f, 3, {}}));
  auto relative = make_decoder("detr", {}, {{"box_space", std::string("relative")}, {"clip", false}})->decode(outputs, doubled(320, 320)).detections;
  EXPECT_FLOAT_EQ(relative[0].x1, 800);
}

TEST(Detr, LogitsAndBoxes) {
  std::vector<NamedTensor> outputs = {{"pred_logits", Tensor::of<float>({-9, 1, -9, 0, 2, 3}).reshaped({1, 2, 3})},
                                      {"pred_boxes", Tensor::of<float>({.5f, .5f, .5f, .5f, .5f, .5f, 1, 1}).reshaped({1, 2, 4})}};
  Geometry plain{100, 100, 50, 50, .5, .5, 0, 0};
  auto sigmoids = make_decoder("detr")->decode(outputs, plain).detections;
  ASSERT_EQ(sigmoids.size(), 4u);   // exp(-9) is below the threshold
  EXPECT_EQ(sigmoids[0].class_index, 2);
  EXPECT_NEAR(sigmoids[0].score, 1 / (1 + std::exp(-3.0)), 1e-6);
  EXPECT_EQ(sigmoids[2].class_index, 1);
  EXPECT_NEAR(sigmoids[2].x1, 25, 1e-4);
  EXPECT_NEAR(sigmoids[2].x2, 75, 1e-4);
  auto softmaxed = make_decoder("detr", {}, {{"activation", std::string("softmax")}})->decode(outputs, plain).detections;
  ASSERT_EQ(softmaxed.size(), 2u);   // the last logit is "nothing"
  EXPECT_EQ(softmaxed[0].class_index, 1);
  EXPECT_NEAR(softmaxed[1].score, std::exp(2.0) / (1 + std::exp(2.0) + std::exp(3.0)), 1e-6);
  EXPECT_NE(error_of([&] { make_decoder("detr")->decode(std::span(outputs).first(1), plain); }).find("boxes and scores are wanted"), std::string::npos);
}

TEST(Yunet, PutsTheHeadsTogether) {
  // 64×32: 32, 8 and 2 cells. The outputs come in an order of their own.
  std::vector<NamedTensor> outputs;
  for (int64_t columns : {10, 1, 4, 1})
    for (int64_t rows : {2, 32, 8}) outputs.push_back({"x", filled({1, rows, columns}, 0)});
  auto set = [&](int64_t rows, int64_t columns, int64_t row, std::initializer_list<float> values) {
    for (NamedTensor& output : outputs)
      if (output.tensor.shape() == Shape{1, rows, columns}) std::copy(values.begin(), values.end(), output.tensor.data<float>() + row * columns);
  };
  set(8, 1, 5, {.64f});   // both score heads; 4 columns, so cell (1, 1) of stride 16
  set(8, 4, 5, {.5f, .25f, 0, std::log(2.0f)});
  set(8, 10, 5, {0, 0, 1, 0, 0, 1, 1, 1, .5f, .5f});
  auto found = make_decoder("yunet")->decode(outputs, doubled(64, 32)).detections;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FLOAT_EQ(found[0].score, .64f);
  EXPECT_NEAR(found[0].x1, (24 - 8) / 2.0, 1e-4);
  EXPECT_NEAR(found[0].y1, (20 - 16) / 2.0, 1e-4);
  EXPECT_NEAR(found[0].y2, (20 + 16) / 2.0, 1e-4);
  ASSERT_EQ(found[0].points.size(), 5u);
  EXPECT_NEAR(found[0].points[1].x, 16, 1e-4);
  EXPECT_NEAR(found[0].points[4].y, 12, 1e-4);
  EXPECT_NE(error_of([&] { make_decoder("yunet")->decode(outputs, doubled(64, 64)); }).find("heads"), std::string::npos);
}

TEST(HeatMap, ArgMaxAndQuarterShift) {
  Tensor maps = filled({1, 2, 16, 12}, 0);   // for an input of 48×64
  auto at = [&](int c, int y, int x) -> float& { return maps.values<float>()[static_cast<size_t>((c * 16 + y) * 12 + x)]; };
  at(0, 4, 5) = 1;
  at(0, 4, 6) = .5f;    // to the right
  at(0, 3, 5) = .5f;    // and up
  at(1, 0, 11) = .6f;   // at the border: no shift
  auto found = make_decoder("heatmap")->decode(std::vector<NamedTensor>{{"out", maps}}, doubled(48, 64, 10, 20)).detections;
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found[0].points.size(), 2u);
  EXPECT_NEAR(found[0].points[0].x, (5.25 * 4 - 10) / 2, 1e-5);
  EXPECT_NEAR(found[0].points[0].y, (3.75 * 4 - 20) / 2, 1e-5);
  EXPECT_NEAR(found[0].points[1].x, (11.0 * 4 - 10) / 2, 1e-5);
  EXPECT_FLOAT_EQ(found[0].points[1].score, .6f);
  EXPECT_FLOAT_EQ(found[0].score, .8f);
  EXPECT_FLOAT_EQ(found[0].x2, 19);   // the frame itself, as a part of the source
}

}  // namespace
}  // namespace octet
