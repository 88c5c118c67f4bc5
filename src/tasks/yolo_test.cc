// The decoders of the YOLO kind: yolox, yolov8, fastestdet.
#include <cmath>

#include <gtest/gtest.h>

#include "tasks/decoder_testing.h"

namespace octet {
namespace {

using testing::described;
using testing::doubled;
using testing::error_of;
using testing::filled;
using testing::make_decoder;

// 64×64: 64 + 16 + 4 cells of strides 8, 16, 32.
TEST(Yolox, DecodesCellsOfEveryStride) {
  Tensor out = filled({1, 84, 7}, 0);
  auto row = [&](int64_t i) { return out.values<float>().subspan(static_cast<size_t>(i) * 7, 7); };
  auto set = [&](int64_t i, std::initializer_list<float> values) { std::copy(values.begin(), values.end(), row(i).begin()); };
  set(8 * 3 + 2, {.5f, .25f, std::log(2.0f), 0, .9f, .1f, .8f});    // stride 8: centre (2.5, 3.25)·8, size 16×8, class 1
  set(64 + 4 * 1 + 3, {0, 0, 0, 0, .5f, .6f, .2f});                 // stride 16: centre (3, 1)·16, size 16×16, class 0
  set(80 + 2 * 1 + 1, {0, 0, 0, 0, .5f, .001f, .002f});             // too weak
  auto decoder = make_decoder("yolox", described({1, 3, 64, 64}, {}));
  auto found = decoder->decode(std::vector<NamedTensor>{{"out", out}}, doubled(64, 64, 4, 0)).detections;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].class_index, 1);
  EXPECT_FLOAT_EQ(found[0].score, .72f);
  EXPECT_NEAR(found[0].x1, (20 - 8 - 4) / 2.0, 1e-5);
  EXPECT_NEAR(found[0].x2, (20 + 8 - 4) / 2.0, 1e-5);
  EXPECT_NEAR(found[0].y1, (26 - 4) / 2.0, 1e-5);
  EXPECT_NEAR(found[0].y2, (26 + 4) / 2.0, 1e-5);
  EXPECT_EQ(found[1].class_index, 0);
  EXPECT_NEAR(found[1].x1, (48 - 8 - 4) / 2.0, 1e-5);
  EXPECT_NEAR(found[1].y2, (16 + 8) / 2.0, 1e-5);
}

TEST(Yolox, DecodedRowsAndManyLabels) {
  Tensor out = Tensor::of<float>({32, 16, 20, 10, 1, .5f, .4f}).reshaped({1, 1, 7});
  std::vector<NamedTensor> outputs = {{"out", out}};
  auto one = make_decoder("yolox", {}, {{"decoded", true}})->decode(outputs, {}).detections;
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0], (Detection{22, 11, 42, 21, .5f, 0, {}}));
  EXPECT_EQ(make_decoder("yolox", {}, {{"decoded", true}, {"multi_label", true}})->decode(outputs, {}).detections.size(), 2u);
  EXPECT_EQ(make_decoder("yolox", {}, {{"decoded", true}, {"score_threshold", .6}})->decode(outputs, {}).detections.size(), 0u);
}

TEST(Yolox, RefusesWrongNumbersOfCells) {
  std::vector<NamedTensor> outputs = {{"out", filled({1, 83, 7}, 0)}};
  EXPECT_NE(error_of([&] { make_decoder("yolox")->decode(outputs, doubled(64, 64)); }).find("84 cells"), std::string::npos);
  EXPECT_NE(error_of([&] { make_decoder("yolox")->decode(outputs, {}); }).find("size of the model's input"), std::string::npos);
  EXPECT_NE(error_of([&] { make_decoder("yolox", {}, {{"strides", std::vector<double>{8, 0}}}); }).find("strides"), std::string::npos);
  EXPECT_NE(error_of([&] { make_decoder("yolox", {}, {{"nms_iou", 1.5}}); }).find("nms_iou is 1.5"), std::string::npos);
}

TEST(Yolov8, BothLayouts) {
  // Two classes, three cells: the second holds class 1.
  Tensor first = Tensor::of<float>({0, 30, 0, 0, 20, 0, 1, 10, 1, 1, 6, 1, 0, .1f, 0, 0, .8f, 0}).reshaped({1, 6, 3});
  Tensor last(DType::kFloat32, {1, 3, 6});
  for (size_t c = 0; c < 6; ++c)
    for (size_t n = 0; n < 3; ++n) last.values<float>()[n * 6 + c] = first.values<float>()[c * 3 + n];
  for (bool channels_first : {true, false}) {
    auto decoder = make_decoder("yolov8", {}, {{"layout", std::string(channels_first ? "channels_first" : "channels_last")}});
    auto found = decoder->decode(std::vector<NamedTensor>{{"out", channels_first ? first : last}}, {}).detections;
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0], (Detection{25, 17, 35, 23, .8f, 1, {}}));
  }
  auto counted = make_decoder("yolov8", described({1, 3, 640, 640}, {{"out", DType::kFloat32, {1, 84, 8400}}}));
  EXPECT_EQ(counted->class_count(), 80);
}

TEST(FastestDet, DecodesOneCell) {
  Tensor out = filled({1, 7, 4, 4}, 0);   // objectness, 4 of the box, 2 classes; 64×64
  auto at = [&](int c, int y, int x) -> float& { return out.values<float>()[static_cast<size_t>(c * 16 + y * 4 + x)]; };
  at(0, 1, 2) = .9f;
  at(1, 1, 2) = .5f;
  at(2, 1, 2) = -.5f;
  at(3, 1, 2) = -1;
  at(4, 1, 2) = -2;
  at(6, 1, 2) = .7f;
  auto found = make_decoder("fastestdet")->decode(std::vector<NamedTensor>{{"out", out}}, doubled(64, 64)).detections;
  ASSERT_EQ(found.size(), 1u);
  double cx = (2 + std::tanh(.5)) * 16, cy = (1 + std::tanh(-.5)) * 16, w = 64 / (1 + std::exp(1.0)), h = 64 / (1 + std::exp(2.0));
  EXPECT_EQ(found[0].class_index, 1);
  EXPECT_NEAR(found[0].score, std::pow(.9, .6) * std::pow(.7, .4), 1e-6);
  EXPECT_NEAR(found[0].x1, (cx - w / 2) / 2, 1e-4);
  EXPECT_NEAR(found[0].x2, (cx + w / 2) / 2, 1e-4);
  EXPECT_NEAR(found[0].y1, (cy - h / 2) / 2, 1e-4);
  EXPECT_NEAR(found[0].y2, (cy + h / 2) / 2, 1e-4);
}

}  // namespace
}  // namespace octet
