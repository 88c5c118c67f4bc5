#include "quantize/quantize.h"

#include <cmath>

#include <gtest/gtest.h>

#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "passes/pass.h"
#include "quantize/prepare.h"
#include "quantize/raise_opset.h"
#include "quantize/testing.h"
#include "quantize/weights.h"
#include "runtime/session.h"

namespace octet {
namespace {

using namespace testing;
using Builder = Network;

// Conv, Relu, a residual block, pooling, a concatenation and a float head of two convolutions.
Model small_network(int opset = 17) {
  Builder b(opset);
  Value* x = b.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = b.add("Relu", {b.conv(x, 3, 16, 3)});
  Value* z = b.add("Relu", {b.add("Add", {b.conv(b.add("Relu", {b.conv(y, 16, 16, 3)}), 16, 16, 3), y})});
  Value* pooled = b.add("MaxPool", {z});
  b.last->attributes.set("kernel_shape", std::vector<int64_t>{2, 2});
  b.last->attributes.set("strides", std::vector<int64_t>{2, 2});
  Value* joined = b.add("Concat", {pooled, b.conv(pooled, 16, 8, 1)});
  b.last->attributes.set("axis", int64_t{1});
  b.graph.add_output(b.conv(joined, 24, 4, 1));
  b.graph.add_output(b.add("Sigmoid", {b.conv(joined, 24, 2, 1)}));
  return std::move(b.model);
}

std::map<std::string, int> operators(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes()) ++counts[std::string(node.op->name)];
  return counts;
}

std::map<std::string, int> lowered_operators(const Model& model) {
  auto graph = model.graph->clone();
  run_passes(*graph, engine_passes(), {});
  return operators(*graph);
}

TEST(QuantizeStatic, KeepsChainsIntegerAndHeadsFloat) {
  Model model = small_network();
  for (Granularity granularity : {Granularity::kChannel, Granularity::kTensor}) {
    Recipe recipe;
    recipe.weights = granularity;
    QuantizeResult result = quantize_model(model, recipe, frames(4, {{1, 3, 16, 16}}));
    EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}), 25);
    auto lowered = lowered_operators(result.model);
    EXPECT_EQ(lowered["QLinearConv"], 3);
    EXPECT_EQ(lowered["QLinearConvAdd"], 1);
    EXPECT_EQ(lowered["ConvIntegerToFloat"], 2);   // boxes and scores do not share a scale: neither is rounded
    EXPECT_EQ(lowered["QuantizeLinear"], 1);
    EXPECT_EQ(lowered["DequantizeLinear"], 0);
    EXPECT_EQ(lowered["QLinearAdd"], 0);
    EXPECT_EQ(lowered["Relu"], 0);
    ASSERT_EQ(result.layers.size(), 6u);
    for (const LayerReport& layer : result.layers) EXPECT_EQ(layer.treatment, "int8") << layer.layer;
  }
}

// A shortcut that a Slice and a Pad of zeros make, as in CIFAR's residual networks; one more block behind it.
TEST(QuantizeStatic, PaddedShortcutsStayInteger) {
  Builder b;
  Value* x = b.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = b.add("Relu", {b.conv(x, 3, 8, 3)});
  Value* steps = b.graph.add_constant("steps", Tensor::of<int64_t>({2, 2}));
  Value* halved = b.add("Slice", {y, b.graph.add_constant("starts", Tensor::of<int64_t>({0, 0})), b.graph.add_constant("ends", Tensor::of<int64_t>({16, 16})),
                                  b.graph.add_constant("axes", Tensor::of<int64_t>({2, 3})), steps});
  Value* shortcut = b.add("Pad", {halved, b.graph.add_constant("pads", Tensor::of<int64_t>({0, 4, 0, 0, 0, 4, 0, 0}))});
  Value* z = b.conv(y, 8, 16, 3);
  b.last->attributes.set("strides", std::vector<int64_t>{2, 2});
  y = b.add("Relu", {b.add("Add", {z, shortcut})});
  y = b.add("Relu", {b.add("Add", {b.conv(y, 16, 16, 3), y})});
  b.graph.add_output(b.conv(y, 16, 4, 1));
  QuantizeResult result = quantize_model(b.model, {}, frames(4, {{1, 3, 16, 16}}));
  EXPECT_GT(worst_sqnr(b.model, result.model, {{1, 3, 16, 16}}), 25);
  auto lowered = lowered_operators(result.model);
  EXPECT_EQ(lowered["Add"], 0);
  EXPECT_EQ(lowered["Relu"], 0);
  EXPECT_EQ(lowered["DequantizeLinear"], 0);
  EXPECT_EQ(lowered["QuantizeLinear"], 1);
  EXPECT_EQ(lowered["Table"], 0);   // what is moved keeps its scale
}

// A chain that something without an integer form interrupts goes on behind the next layer's input.
TEST(QuantizeStatic, ChainsGoOnBehindAFloatOperator) {
  Builder b;
  Value* x = b.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = b.add("Relu", {b.conv(x, 3, 8, 3)});
  Value* odd = b.add("CumSum", {y, b.graph.add_constant("axis", Tensor::of<int64_t>({1}))});
  y = b.add("Relu", {b.add("Add", {b.conv(y, 8, 8, 3), odd})});
  y = b.add("Relu", {b.add("Add", {b.conv(y, 8, 8, 3), y})});
  b.graph.add_output(b.conv(y, 8, 4, 1));
  QuantizeResult result = quantize_model(b.model, {}, frames(4, {{1, 3, 16, 16}}));
  EXPECT_GT(worst_sqnr(b.model, result.model, {{1, 3, 16, 16}}), 20);
  auto lowered = lowered_operators(result.model);
  EXPECT_EQ(lowered["Add"] + lowered["ClampedAdd"], 1);
  EXPECT_EQ(lowered["QLinearAdd"] + lowered["QLinearConvAdd"], 1);
}

// A pyramid: what lies deeper is enlarged and added; and two ways joined, with a Relu behind.
TEST(QuantizeStatic, EnlargedAndJoinedValuesStayInteger) {
  Builder b;
  Value* x = b.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = b.add("Relu", {b.conv(x, 3, 8, 3)});
  Value* deep = b.add("Relu", {b.conv(b.add("MaxPool", {y}), 8, 8, 3)});
  b.graph.nodes().back().inputs[0]->producer->inputs[0]->producer->attributes.set("kernel_shape", std::vector<int64_t>{2, 2});
  b.graph.nodes().back().inputs[0]->producer->inputs[0]->producer->attributes.set("strides", std::vector<int64_t>{2, 2});
  Value* enlarged = b.add("Resize", {deep, nullptr, b.graph.add_constant("scales", Tensor::of<float>({1, 1, 2, 2}))});
  b.last->attributes.set("mode", std::string("nearest"));
  Value* sum = b.add("Add", {enlarged, y});
  Value* joined = b.add("Relu", {b.add("Concat", {sum, b.conv(sum, 8, 8, 1)})});
  joined->producer->inputs[0]->producer->attributes.set("axis", int64_t{1});
  b.graph.add_output(b.conv(joined, 16, 4, 1));
  QuantizeResult result = quantize_model(b.model, {}, frames(4, {{1, 3, 16, 16}}));
  EXPECT_GT(worst_sqnr(b.model, result.model, {{1, 3, 16, 16}}), 25);
  auto lowered = lowered_operators(result.model);
  EXPECT_EQ(lowered["Add"], 0);
  EXPECT_EQ(lowered["Relu"], 0);
  EXPECT_EQ(lowered["DequantizeLinear"], 0);
}

// Normalization inside the weights, a scale for each channel, integers through and through.
TEST(QuantizeStatic, CoversDepthwiseTransposedConvolutions) {
  Builder b;
  Value* x = b.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 8, 8});
  Value* y = b.add("Relu", {b.conv(x, 3, 8, 3)});
  y = b.add("ConvTranspose", {y, b.graph.add_constant("w", random_tensor({8, 1, 4, 4}, 70, 0.3f))});
  b.last->attributes.set("group", int64_t{8});
  b.last->attributes.set("strides", std::vector<int64_t>{2, 2});
  Tensor variance = random_tensor({8}, 71);
  for (float& value : variance.values<float>()) value = std::abs(value) * 10 + 0.01f;
  y = b.add("BatchNormalization", {y, b.graph.add_constant("scale", random_tensor({8}, 72)), b.graph.add_constant("shift", random_tensor({8}, 73)),
                                   b.graph.add_constant("mean", random_tensor({8}, 74)), b.graph.add_constant("variance", std::move(variance))});
  b.graph.add_output(b.conv(b.add("Relu", {y}), 8, 4, 1));
  QuantizeResult result = quantize_model(b.model, {}, frames(4, {{1, 3, 8, 8}}));
  EXPECT_GT(worst_sqnr(b.model, result.model, {{1, 3, 8, 8}}), 25);
  auto lowered = lowered_operators(result.model);
  EXPECT_EQ(lowered["QLinearConvTranspose"], 1);
  EXPECT_EQ(lowered["DequantizeLinear"], 0);
}

TEST(QuantizeStatic, SignedActivationsAndEveryCalibrator) {
  Model model = small_network();
  for (Calibrator calibrator : {Calibrator::kMinMax, Calibrator::kPercentile, Calibrator::kEntropy, Calibrator::kMse}) {
    Recipe recipe;
    recipe.calibrator = calibrator;
    recipe.activations = DType::kInt8;
    QuantizeResult result = quantize_model(model, recipe, frames(4, {{1, 3, 16, 16}}));
    EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}), 15) << calibrator_name(calibrator);
  }
}

TEST(QuantizeStatic, OverridesKeepLayersFloat) {
  Recipe recipe;
  recipe.layers.push_back({.name = "Conv_2", .op = "", .quantize = false});
  QuantizeResult result = quantize_model(small_network(), recipe, frames(2, {{1, 3, 16, 16}}));
  int kept = 0;
  for (const LayerReport& layer : result.layers)
    if (layer.treatment == "float") {
      ++kept;
      EXPECT_EQ(layer.layer, "Conv_2");
      EXPECT_EQ(layer.reason, "the recipe keeps it float");
    }
  EXPECT_EQ(kept, 1);
}

TEST(QuantizeStatic, NeedsFrames) {
  try {
    quantize_model(small_network(), {}, frames(0, {}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("needs frames to calibrate on"), std::string::npos);
  }
}

TEST(QuantizeStatic, RaisesOldOpsets) {
 for (int opset : {9, 11}) {
  Model model = small_network(opset);
  QuantizeResult result = quantize_model(model, {}, frames(2, {{1, 3, 16, 16}}));
  EXPECT_EQ(result.model.graph->opsets[""], 13);
  EXPECT_GE(result.model.ir_version, 7);
  EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}), 25);
 }
}

// Operators that came after a model's opset: every method adds some.
TEST(Quantize, RaisesOpsetsWithoutQuantizedOperators) {
  for (Method method : {Method::kStatic, Method::kDynamic, Method::kWeightOnly}) {
    Model model = small_network(8);
    Recipe recipe;
    recipe.method = method;
    QuantizeResult result = quantize_model(model, recipe, frames(2, {{1, 3, 16, 16}}));
    EXPECT_EQ(result.model.graph->opsets[""], 13);
    EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}), 25) << method_name(method);
  }
}

// Before opset 17 a normalization is written out again; the shapes that the file tells must be those of its parts.
TEST(Quantize, WrittenOutNormalizationHasItsShapes) {
  Builder b(17);
  Value* x = b.graph.add_input("tokens", DType::kFloat32, Shape{1, 10, 32});
  Value* y = b.add("LayerNormalization", {x, b.graph.add_constant("gamma", random_tensor({32}, 90)), b.graph.add_constant("beta", random_tensor({32}, 91))});
  y->dtype = DType::kFloat32;
  y->shape = Shape{1, 10, 32};
  b.graph.add_output(y);
  b.graph.opsets[""] = 13;
  finish_model(b.model);
  int means = 0;
  for (Node& node : b.graph.nodes()) {
    Shape told = *node.outputs[0]->shape;
    infer_node(node);
    EXPECT_EQ(told, *node.outputs[0]->shape) << node.op->name;
    means += node.op->name == "ReduceMean";
  }
  EXPECT_EQ(means, 2);
}

// A transformer's feed-forward part: matrix products with biases, GELU, normalization that stays float.
TEST(QuantizeStatic, MatrixProductsTakeTheirBiasAlong) {
  Builder b;
  Value* x = b.graph.add_input("tokens", DType::kFloat32, Shape{1, 10, 32});
  auto linear = [&](Value* in, int64_t k, int64_t n) {
    Value* product = b.add("MatMul", {in, b.graph.add_constant("w", random_tensor({k, n}, b.seed++, 0.2f))});
    return b.add("Add", {product, b.graph.add_constant("b", random_tensor({n}, b.seed++, 0.5f))});
  };
  Value* y = b.add("LayerNormalization", {linear(x, 32, 32), b.graph.add_constant("gamma", random_tensor({32}, 90)), b.graph.add_constant("beta", random_tensor({32}, 91))});
  y = linear(b.add("Relu", {linear(y, 32, 64)}), 64, 32);
  Value* scores = b.add("MatMul", {y, b.add("Transpose", {y})});
  scores->producer->inputs[1]->producer->attributes.set("perm", std::vector<int64_t>{0, 2, 1});
  b.graph.add_output(b.add("Softmax", {scores}));
  QuantizeResult result = quantize_model(b.model, {}, frames(6, {{1, 10, 32}}));
  auto lowered = lowered_operators(result.model);
  EXPECT_EQ(lowered["QGemm"], 2);
  EXPECT_EQ(lowered["MatMulIntegerToFloat"], 2);   // in front of the normalization and of the softmax
  EXPECT_EQ(lowered["MatMul"], 0);
  EXPECT_EQ(lowered["Add"], 0);
  EXPECT_EQ(lowered["Relu"], 0);
  EXPECT_GT(worst_sqnr(b.model, result.model, {{1, 10, 32}}), 15);
}

TEST(QuantizeDynamic, NeedsNoFrames) {
  Model model = small_network();
  Recipe recipe;
  recipe.method = Method::kDynamic;
  QuantizeResult result = quantize_model(model, recipe, frames(0, {}));
  auto counts = operators(*result.model.graph);
  EXPECT_EQ(counts["ConvInteger"], 6);
  EXPECT_EQ(counts["Conv"], 0);
  EXPECT_EQ(counts["DynamicQuantizeLinear"], 5);   // the two heads share their input's
  EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}), 25);
}

TEST(QuantizeDynamic, CoversLstm) {
  Builder b;
  Value* x = b.graph.add_input("x", DType::kFloat32, Shape{7, 1, 12});
  Value* w = b.graph.add_constant("w", random_tensor({1, 64, 12}, 1, 0.3f));
  Value* r = b.graph.add_constant("r", random_tensor({1, 64, 16}, 2, 0.3f));
  b.graph.add_output(b.add("LSTM", {x, w, r, b.graph.add_constant("b", random_tensor({1, 128}, 3, 0.3f))}));
  b.last->attributes.set("hidden_size", int64_t{16});
  Recipe recipe;
  recipe.method = Method::kDynamic;
  QuantizeResult result = quantize_model(b.model, recipe, frames(0, {}));
  EXPECT_EQ(operators(*result.model.graph)["DynamicQuantizeLSTM"], 1);
  EXPECT_EQ(result.model.graph->opsets["com.microsoft"], 1);
  EXPECT_GT(worst_sqnr(b.model, result.model, {{7, 1, 12}}), 25);
}

TEST(QuantizeWeightOnly, ShrinksWeightsAndStaysFloat) {
  Model model = small_network();
  Recipe recipe;
  recipe.method = Method::kWeightOnly;
  QuantizeResult result = quantize_model(model, recipe, frames(0, {}));
  EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}), 30);
  auto lowered = lowered_operators(result.model);
  EXPECT_EQ(lowered["DequantizeLinear"], 0);   // dequantized once, when the model is loaded
  EXPECT_EQ(lowered["QLinearConv"], 0);
}

TEST(QuantizeWeights, ScalesAndEdges) {
  Tensor w = Tensor::from<float>(Shape{3, 2}, std::vector<float>{1.27f, -0.635f, 0, 0, 1e-38f, 0});
  QuantizedWeights q = quantize_weights(w, 0, Granularity::kChannel, {});
  EXPECT_EQ(q.values.data<int8_t>()[0], 127);
  EXPECT_EQ(q.values.data<int8_t>()[1], -64);   // 63.5 rounds half to even
  EXPECT_EQ(q.scales[1], 1.0f);                 // a channel of zeros
  EXPECT_EQ(q.scales[2], 1.0f);                 // too small to divide by
  QuantizedWeights whole = quantize_weights(w, 0, Granularity::kTensor, {});
  EXPECT_EQ(whole.scales.size(), 1u);
  EXPECT_EQ(quantize_weights(w, 0, Granularity::kChannel, {0.1f, 0.1f, 0.1f}).scales[0], 0.1f);
}

// Same network written for opset 9 and raised: attributes became inputs, results stay.
TEST(RaiseOpset, ConvertsOldForms) {
  Builder b(9);
  Value* x = b.graph.add_input("x", DType::kFloat32, Shape{1, 4, 6, 6});
  Value* y = b.add("Clip", {x});
  b.last->attributes.set("min", -0.5f);
  b.last->attributes.set("max", 0.75f);
  y = b.add("Slice", {y});
  b.last->attributes.set("starts", std::vector<int64_t>{1});
  b.last->attributes.set("ends", std::vector<int64_t>{3});
  b.last->attributes.set("axes", std::vector<int64_t>{1});
  y = b.add("Pad", {y});
  b.last->attributes.set("pads", std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1});
  y = b.add("Upsample", {y, b.graph.add_constant("scales", Tensor::of<float>({1, 1, 2, 2}))});
  y = b.add("ReduceSum", {y});
  b.last->attributes.set("axes", std::vector<int64_t>{3});
  b.last->attributes.set("keepdims", int64_t{0});
  y = b.add("Unsqueeze", {y});
  b.last->attributes.set("axes", std::vector<int64_t>{0});
  b.graph.add_output(y);
  Model raised = b.model.clone();
  run_passes(*raised.graph, standard_passes(), {});
  raise_opset(*raised.graph, 13);
  EXPECT_EQ(raised.graph->opsets[""], 13);
  auto counts = operators(*raised.graph);
  EXPECT_EQ(counts["Upsample"], 0);
  EXPECT_EQ(counts["Resize"], 1);
  Tensor input = random_tensor({1, 4, 6, 6}, 8);
  EXPECT_EQ(run(b.model, {&input, 1}), run(raised, {&input, 1}));
}

TEST(PrepareFloat, WritesFusedOperatorsOutAgain) {
  Builder b(11);
  Value* x = b.graph.add_input("x", DType::kFloat32, Shape{1, 4, 6, 6});
  Value* y = b.conv(x, 4, 4, 3);
  b.graph.add_output(b.add("Mul", {y, b.add("Sigmoid", {y})}));
  Model prepared = prepare_float(b.model);
  EXPECT_EQ(operators(*prepared.graph)["QuickGelu"], 1);
  finish_model(prepared);
  EXPECT_EQ(operators(*prepared.graph)["QuickGelu"], 0);
  EXPECT_EQ(operators(*prepared.graph)["Sigmoid"], 1);
  Tensor input = random_tensor({1, 4, 6, 6}, 8);
  auto before = run(b.model, {&input, 1})[0], after = run(prepared, {&input, 1})[0];
  for (size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(before[i], after[i], 1e-5);
}

TEST(CalibrationRun, SeesWhatFlowsThrough) {
  Model prepared = prepare_float(small_network());
  auto names = values_to_observe(prepared, {});
  EXPECT_FALSE(names.empty());
  CalibrationRun calibration(prepared, names, {.threads = 1});
  Tensor input = random_tensor({1, 3, 16, 16}, 3);
  calibration.add_frame({&input, 1});
  calibration.add_frame({&input, 1});
  EXPECT_EQ(calibration.frames(), 2);
  const TensorStatistics& picture = calibration.statistics().at("picture");
  EXPECT_EQ(picture.count(), 2 * 3 * 16 * 16);
  EXPECT_EQ(picture.lowest(), *std::min_element(input.values<float>().begin(), input.values<float>().end()));
}

}  // namespace
}  // namespace octet
