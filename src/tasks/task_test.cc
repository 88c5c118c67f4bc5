#include "tasks/task.h"

#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "tasks/decoder_testing.h"

namespace octet {
namespace {

using testing::described;
using testing::error_of;

constexpr int64_t kFree = Shape::kUnknown;
constexpr DType kFloat = DType::kFloat32;

std::string guessed(Shape input, std::vector<OutputDescription> outputs) {
  TaskGuess guess = guess_task(described(std::move(input), std::move(outputs)));
  return guess.decoder ? guess.decoder->kind : "";
}

TEST(GuessTask, ModelsInTheWild) {
  EXPECT_EQ(guessed({kFree, 3, 224, 224}, {{"output", kFloat, {kFree, 1000}}}), "classify");
  EXPECT_EQ(guessed({1, 3, 224, 224}, {{"output", kFloat, {1, 1000, 1, 1}}}), "classify");
  EXPECT_EQ(guessed({kFree, 30, 17}, {{"output", kFloat, {kFree, 1}}}), "regression");
  EXPECT_EQ(guessed({kFree, 32}, {{"class_ids", DType::kInt64, {kFree}}}), "classid");
  EXPECT_EQ(guessed({1, 3, 416, 416}, {{"output", kFloat, {1, 3549, 85}}}), "yolox");
  EXPECT_EQ(guessed({1, 3, 640, 640}, {{"output0", kFloat, {1, 84, 8400}}}), "yolov8");
  EXPECT_EQ(guessed({1, 3, 352, 352}, {{"758", kFloat, {1, 85, 22, 22}}}), "fastestdet");
  EXPECT_EQ(guessed({1, 3, 240, 320}, {{"scores", kFloat, {1, 4420, 2}}, {"boxes", kFloat, {1, 4420, 4}}}), "ssd");
  EXPECT_EQ(guessed({1, 3, 256, 192}, {{"maps", kFloat, {1, 17, 64, 48}}}), "heatmap");
  EXPECT_EQ(guessed({kFree, 3, 320, 320}, {{"labels", DType::kInt64, {kFree, kFree}}, {"boxes", kFloat, {kFree, kFree, 4}}, {"scores", kFloat, {kFree, kFree}}}), "detr");
  EXPECT_EQ(guessed({1, 3, 640, 640}, {{"pred_logits", kFloat, {1, 300, 80}}, {"pred_boxes", kFloat, {1, 300, 4}}}), "detr");
  std::vector<OutputDescription> heads;
  for (int64_t columns : {1, 1, 4, 10})
    for (int64_t rows : {1600, 400, 100}) heads.push_back({"head", kFloat, {1, rows, columns}});
  EXPECT_EQ(guessed({1, 3, 320, 320}, heads), "yunet");
  for (OutputDescription& head : heads) head.shape[1] = kFree;
  EXPECT_EQ(guessed({1, 3, kFree, kFree}, heads), "yunet");
}

TEST(GuessTask, RefusesWhatIsUnclear) {
  EXPECT_EQ(guessed({1, 3, 360, 640}, {{"pred_logits", kFloat, {1, 7, 2}}, {"pred_curves", kFloat, {1, 7, 8}}, {"weights", kFloat, {1, 240, 240}}}), "");
  EXPECT_EQ(guessed({1, 3, 256, 256}, {{"out", kFloat, {1, 21, 64, 64}}}), "");   // a segmentation, perhaps
  EXPECT_EQ(guessed({1, 3, 256, 256}, {{"a", kFloat, {1, 100, 21}}, {"b", kFloat, {1, 100, 4}}}), "");
  EXPECT_EQ(guessed({1, 10}, {}), "");
}

TEST(MakeTask, FollowsTheConfiguration) {
  ModelDescription yolo = described({1, 3, 416, 416}, {{"output", kFloat, {1, 3549, 85}}});
  auto task = make_task({}, yolo);
  EXPECT_STREQ(task->kind(), "yolox");
  EXPECT_STREQ(task->make_metric()->name(), "AP");
  ASSERT_EQ(task->class_names().size(), 80u);   // 85 − 5 columns: COCO's
  EXPECT_EQ(task->class_names()[0], "person");
  EXPECT_EQ(make_task({}, yolo, {{"cat"}, {}})->class_names().size(), 1u);
  EXPECT_EQ(make_task({"none", {}}, yolo), nullptr);
  auto faces = make_task({"yunet", {{"match_iou", .3}, {"show_threshold", .6}}}, yolo);
  EXPECT_STREQ(faces->make_metric()->name(), "AP30");
  EXPECT_DOUBLE_EQ(faces->draw_options().min_score, .6);
  EXPECT_STREQ(make_task({"regression", {}}, yolo)->make_metric()->name(), "RMSE");
  EXPECT_STREQ(make_task({"classid", {}}, yolo)->make_metric()->name(), "top1");
  EXPECT_STREQ(make_task({"heatmap", {{"sigmas", std::vector<double>{.1, .2}}}}, yolo)->make_metric()->name(), "OKS");
}

TEST(MakeTask, ErrorsNameTheCure) {
  ModelDescription odd = described({1, 3, 8, 8}, {{"mask", kFloat, {1, 21, 8, 8}}});
  EXPECT_NE(error_of([&] { make_task({}, odd); }).find("mask float32 1x21x8x8"), std::string::npos);
  EXPECT_NE(error_of([&] { make_task({}, odd); }).find("set kind under [task] to one of classify"), std::string::npos);
  EXPECT_EQ(make_task({}, odd, {}, true), nullptr);
  EXPECT_NE(error_of([&] { make_task({"yolx", {}}, odd); }).find("did you mean 'yolox'?"), std::string::npos);
  EXPECT_NE(error_of([&] { make_task({"yolox", {{"nms", .5}}}, odd); }).find("has no such key"), std::string::npos);
  EXPECT_NE(error_of([&] { make_task({"yolox", {{"match_iou", 2.0}}}, odd); }).find("match_iou is 2"), std::string::npos);
  EXPECT_NE(error_of([&] { make_task({"heatmap", {{"sigmas", std::vector<double>{0}}}}, odd)->make_metric(); }).find("sigma"), std::string::npos);
}

TEST(MakeTask, KnowsWhetherLabelsFit) {
  ModelDescription model = described({1, 3, 8, 8}, {{"y", kFloat, {1, 10}}});
  GroundTruth truth;
  auto task = make_task({}, model);
  EXPECT_FALSE(task->can_score(nullptr));
  EXPECT_FALSE(task->can_score(&truth));
  truth.class_index = 0;
  EXPECT_TRUE(task->can_score(&truth));
  EXPECT_FALSE(make_task({"yolov8", {}}, model)->can_score(&truth));
}

TEST(Decoders, EveryOneHasAWordASummaryAndParameters) {
  for (const DecoderDef* decoder : decoders()) {
    EXPECT_EQ(&find_decoder(decoder->kind), decoder);
    EXPECT_GT(std::string(decoder->summary).size(), 10u);
    Task task({decoder->kind, {}}, {});
    // Without outputs every decoder gives an Error, and nothing worse.
    EXPECT_NE(error_of([&] { task.decode({}, {}); }), "") << decoder->kind;
    EXPECT_NE(error_of([&] { Task({decoder->kind, {{"no_such_key", true}}}, {}); }), "") << decoder->kind;
  }
}

// Outputs of any number, shape, type and value give answers or an Error, and answers can be scored and drawn.
TEST(Decoders, SurviveAnyOutputs) {
  std::mt19937 random(11);
  auto pick = [&](auto... values) {
    std::common_type_t<decltype(values)...> list[] = {values...};
    return list[random() % sizeof...(values)];
  };
  int answered = 0;
  for (int round = 0; round < 1000; ++round) {
    std::vector<NamedTensor> outputs(random() % 5);
    std::vector<int64_t> common = {pick(0, 1, 4, 16, 21, 84), pick(0, 1, 4, 16, 21, 84)};
    for (NamedTensor& output : outputs) {
      output.name = pick("boxes", "scores", "labels", "x");
      Shape shape;
      for (uint32_t rank = random() % 5, axis = 0; axis < rank; ++axis)
        shape.push_back(axis == 0 ? pick(1, 1, 1, 2) : random() % 2 ? common[axis % 2] : pick(1, 2, 4, 5, 7, 10, 17));
      output.tensor = Tensor(pick(DType::kFloat32, DType::kFloat32, DType::kInt64, DType::kFloat16, DType::kUInt8, DType::kBool), shape);
      auto* bytes = static_cast<uint8_t*>(output.tensor.raw());
      for (size_t i = 0; i < output.tensor.bytes(); ++i) bytes[i] = output.tensor.dtype() == DType::kBool ? random() % 2 : static_cast<uint8_t>(random());
      if (output.tensor.dtype() != DType::kFloat32) continue;
      constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
      for (float& v : output.tensor.values<float>())
        if (random() % 4) v = pick(0.0f, .5f, 1.0f, -3.0f, 100.0f, kInfinity, -kInfinity, kNan);
    }
    Geometry geometry = random() % 4 ? testing::doubled(32, 32) : Geometry{};
    for (const DecoderDef* decoder : decoders()) {
      Task task({decoder->kind, {}}, {});
      try {
        Predictions predictions = task.decode(outputs, geometry);
        ++answered;
        GroundTruth truth;
        truth.has_boxes = true;
        truth.boxes = {{0, 0, 10, 10, 0, false, 100}};
        truth.class_index = 0;
        truth.targets.resize(std::max<size_t>(1, predictions.values.size()));
        auto metric = task.make_metric();
        if (task.answer() == Answer::kClasses || task.answer() == Answer::kDetections) {
          metric->add(predictions, truth);
          EXPECT_LE(metric->score({}), 1);
        }
        Agreement agreement = task.make_agreement();
        agreement.add(predictions, predictions);
      } catch (const Error&) {
      }
    }
  }
  EXPECT_GT(answered, 300);
}

}  // namespace
}  // namespace octet
