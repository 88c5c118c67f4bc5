#include "quantize/sensitivity.h"

#include <gtest/gtest.h>

#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

const Shape kPicture{1, 3, 16, 16};

// Three layers; the one in the middle reads channels whose sizes differ by 2^9 under one scale.
Model network_with_a_bad_layer() {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, kPicture);
  Value* y = n.add("Relu", {n.conv(x, 3, 16, 3, 1, 9)});
  Tensor w = random_tensor({16, 1, 3, 3}, 60, 0.3f);
  for (int64_t i = 0; i < w.elements(); ++i) w.data<float>()[i] /= std::exp2(9.0f * static_cast<float>(i / 9) / 16);
  Value* z = n.add("Conv", {y, n.graph.add_constant("even", std::move(w))});
  n.last->attributes.set("group", int64_t{16});
  n.last->name = "bad";
  n.graph.add_output(n.conv(n.add("Relu", {z}), 16, 4, 1));
  return std::move(n.model);
}

FrameStream stream(int count) {
  auto at = std::make_shared<int>(0);
  FrameStream frames;
  frames.count = count;
  frames.rewind = [at] { *at = 0; };
  frames.next = [at, count](Frame& frame) {
    if (*at == count) return false;
    frame = Frame();
    frame.inputs.push_back({"picture", random_tensor(kPicture, 2000u + static_cast<unsigned>((*at)++))});
    return true;
  };
  return frames;
}

TEST(Sensitivity, FindsTheBadLayer) {
  Model model = network_with_a_bad_layer();
  Recipe recipe;
  CalibrationFrames calibration(frames(4, {kPicture}));
  StaticJob job(model, recipe, calibration, {.threads = 1}, {});
  FrameStream listened = stream(3);
  Evaluator evaluator(job.prepared(), listened, nullptr, false, {.threads = 1}, {});
  std::vector<Tensor> inputs{random_tensor(kPicture, 7)};
  SensitivityStudy study;
  int told = 0;
  study.found = [&](const SensitivityRow&) { ++told; };
  for (bool all_but : {false, true}) {
    study.all_but = all_but;
    SensitivityTable table = study_sensitivity(job, recipe, evaluator, inputs, {.threads = 1}, study);
    ASSERT_EQ(table.rows.size(), 3u);
    EXPECT_EQ(table.rows[0].layer, "bad");
    EXPECT_GT(table.rows[0].float_ms, 0);
    EXPECT_GT(table.rows[0].int8_ms, 0);
    EXPECT_GE(table.float_ms, table.rows[0].float_ms);
  }
  EXPECT_EQ(told, 6);
  // What is known already is not measured again.
  study.known = [](SensitivityRow& row) {
    row.noise = row.layer == "bad" ? 0 : 1;
    return true;
  };
  study.all_but = false;
  EXPECT_EQ(study_sensitivity(job, recipe, evaluator, inputs, {.threads = 1}, study).rows[2].layer, "bad");
  EXPECT_EQ(told, 6);
}

TEST(Sensitivity, RecipesForSingleLayers) {
  Recipe only = with_only({}, "b");
  EXPECT_FALSE(only.layer("a", "Conv").quantize);
  EXPECT_TRUE(only.layer("b", "Conv").quantize);
  std::vector<std::string> kept{"a", "c"};
  Recipe rest = without({}, kept);
  EXPECT_FALSE(rest.layer("c", "Conv").quantize);
  EXPECT_TRUE(rest.layer("b", "Conv").quantize);
}

// Behind a TopK rows change places: what goes into it tells more.
TEST(Evaluate, ListensInFrontOfSorting) {
  Network n;
  Value* x = n.graph.add_input("x", DType::kFloat32, Shape{1, 8});
  Value* y = n.add("Relu", {x});
  Node* top = n.graph.add_node("", "TopK", {y, n.graph.add_constant("k", Tensor::of<int64_t>({3}))}, "top", nullptr, 2);
  infer_node(*y->producer);
  infer_node(*top);
  Value* other = n.add("Neg", {y});
  infer_node(*other->producer);
  n.graph.add_output(top->outputs[0]);
  n.graph.add_output(other);
  EXPECT_EQ(telling_values(n.graph), (std::vector<std::string>{other->name, y->name}));
}

}  // namespace
}  // namespace octet
