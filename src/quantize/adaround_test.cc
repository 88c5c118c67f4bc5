#include "quantize/adaround.h"

#include <gtest/gtest.h>

#include "quantize/prepare.h"
#include "quantize/round_layer.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

// Rows whose features go together: an error of one weight can be made up for by the others.
Tensor correlated_tensor(const Shape& shape, unsigned seed) {
  Tensor tensor = random_tensor(shape, seed);
  const int64_t last = shape[shape.rank() - 1];
  Tensor common = random_tensor({tensor.elements() / last}, seed + 7777);
  for (int64_t i = 0; i < tensor.elements(); ++i) tensor.data<float>()[i] = 0.3f * tensor.data<float>()[i] + common.data<float>()[i / last];
  return tensor;
}

NextFrame correlated_frames(int count, const Shape& shape) {
  auto at = std::make_shared<int>(0);
  return [=](std::vector<Tensor>& inputs) {
    if (*at == count) return false;
    inputs.clear();
    inputs.push_back(correlated_tensor(shape, 100u + static_cast<unsigned>((*at)++)));
    return true;
  };
}

// On frames that were not used.
double sqnr_on_correlated(const Model& a, const Model& b, const Shape& shape) {
  double signal = 0, noise = 1e-30;
  for (unsigned frame = 0; frame < 4; ++frame) {
    Tensor input = correlated_tensor(shape, 5000u + frame);
    auto x = run(a, {&input, 1})[0], y = run(b, {&input, 1})[0];
    for (size_t i = 0; i < x.size(); ++i) {
      signal += static_cast<double>(x[i]) * x[i];
      noise += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
    }
  }
  return 10 * std::log10(signal / noise);
}

Recipe weight_only(int bits, Rounding rounding) {
  Recipe recipe;
  recipe.method = Method::kWeightOnly;
  recipe.weight_bits = bits;
  recipe.block = bits == 4 ? 32 : 0;
  recipe.rounding = rounding;
  return recipe;
}

// Two products with a function between; Gemm with its weights either way round.
Model product_network(bool transposed) {
  Network n;
  Value* x = n.graph.add_input("tokens", DType::kFloat32, Shape{24, 64});
  Value* y = n.add("MatMul", {x, n.graph.add_constant("w", random_tensor({64, 48}, 3, 0.1f))});
  y = n.add("Relu", {n.add("Add", {y, n.graph.add_constant("b", random_tensor({48}, 4, 0.1f))})});
  y = n.add("Gemm", {y, n.graph.add_constant("v", random_tensor(transposed ? Shape{32, 48} : Shape{48, 32}, 5, 0.1f)), n.graph.add_constant("c", random_tensor({32}, 6))});
  n.last->attributes.set("transB", transposed ? 1 : 0);
  n.graph.add_output(y);
  return std::move(n.model);
}

TEST(AdaRound, FourBitsLoseLess) {
  const Shape shape{24, 64};
  for (bool transposed : {false, true}) {
    Model model = product_network(transposed);
    double nearest = sqnr_on_correlated(model, quantize_model(model, weight_only(4, Rounding::kNearest), CalibrationFrames(correlated_frames(40, shape))).model, shape);
    QuantizeResult result = quantize_model(model, weight_only(4, Rounding::kAdaRound), CalibrationFrames(correlated_frames(40, shape)));
    EXPECT_GT(sqnr_on_correlated(model, result.model, shape), nearest + 5);
    ASSERT_EQ(result.notes.size(), 1u);
    EXPECT_NE(result.notes[0].find("2 layers"), std::string::npos) << result.notes[0];
    EXPECT_EQ(result.frames, 40);
  }
}

TEST(AdaRound, EightBitsPerChannelLoseLess) {
  const Shape shape{24, 64};
  Model model = product_network(false);
  auto sqnr = [&](Rounding rounding) {
    return sqnr_on_correlated(model, quantize_model(model, weight_only(8, rounding), CalibrationFrames(correlated_frames(40, shape))).model, shape);
  };
  EXPECT_GT(sqnr(Rounding::kAdaRound), sqnr(Rounding::kNearest) + 5);
}

// Strides, borders, dilation, groups and depthwise: rows must be the ones that the convolution sees.
Model convolution_network() {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 20, 17});
  Value* y = n.add("Relu", {n.conv(x, 3, 32, 3)});
  n.conv(y, 32, 32, 3, 32);
  n.last->attributes.set("strides", std::vector<int64_t>{2, 1});
  y = n.add("Relu", {n.last->outputs[0]});
  y = n.conv(y, 32, 32, 3, 4);
  n.last->attributes.set("dilations", std::vector<int64_t>{2, 2});
  n.last->attributes.set("pads", std::vector<int64_t>{2, 1, 0, 2});
  y = n.add("Relu", {y});
  n.graph.add_output(n.conv(y, 32, 16, 1, 1, 0, false));
  return std::move(n.model);
}

TEST(AdaRound, ConvolutionsOfEveryKind) {
  Model model = convolution_network();
  const Shape shape{1, 3, 20, 17};
  Recipe recipe;
  recipe.bias_correction = BiasCorrection::kNone;
  for (Granularity weights : {Granularity::kTensor, Granularity::kChannel}) {
    recipe.weights = weights;
    recipe.rounding = Rounding::kNearest;
    double nearest = worst_sqnr(model, quantize_model(model, recipe, frames(24, {shape})).model, {shape}, 4);
    recipe.rounding = Rounding::kAdaRound;
    QuantizeResult result = quantize_model(model, recipe, frames(24, {shape}));
    EXPECT_GT(worst_sqnr(model, result.model, {shape}, 4), nearest + (weights == Granularity::kTensor ? 1 : 0.2));
    EXPECT_TRUE(result.notes[0].find("3 layers") != std::string::npos || result.notes[0].find("4 layers") != std::string::npos) << result.notes[0];
  }
  double nearest = worst_sqnr(model, quantize_model(model, weight_only(8, Rounding::kNearest), frames(24, {shape})).model, {shape}, 4);
  EXPECT_GT(worst_sqnr(model, quantize_model(model, weight_only(8, Rounding::kAdaRound), frames(24, {shape})).model, {shape}, 4), nearest + 1);
}

TEST(AdaRound, TheSameBytesWithEveryNumberOfThreads) {
  Model model = product_network(false);
  std::vector<std::vector<float>> outputs;
  Tensor input = correlated_tensor({24, 64}, 9);
  for (int threads : {1, 2, 4}) {
    QuantizeResult result = quantize_model(model, weight_only(4, Rounding::kAdaRound), CalibrationFrames(correlated_frames(12, {24, 64})), {.threads = threads});
    outputs.push_back(run(result.model, {&input, 1})[0]);
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_EQ(outputs[0], outputs[2]);
}

// What earlier layers lost is made up for: the second layer reads what is a tenth too small everywhere.
TEST(RoundLayer, MakesUpForWhatCameBefore) {
  constexpr int64_t kRows = 256, kInputs = 32, kOutputs = 4;
  Tensor x = random_tensor({kRows, kInputs}, 20), w = random_tensor({kOutputs, kInputs}, 21, 0.2f);
  auto rows = [&](int64_t first, int64_t count) {
    LayerRows r{count, count, kInputs, kOutputs, {}, {}};
    r.inputs.resize(static_cast<size_t>(kInputs * count));
    r.targets.resize(static_cast<size_t>(kOutputs * count));
    for (int64_t i = 0; i < count; ++i) {
      const float* row = x.data<float>() + (first + i) * kInputs;
      for (int64_t k = 0; k < kInputs; ++k) r.inputs[static_cast<size_t>(k * count + i)] = 0.9f * row[k];
      for (int64_t o = 0; o < kOutputs; ++o)
        for (int64_t k = 0; k < kInputs; ++k) r.targets[static_cast<size_t>(o * count + i)] += w.data<float>()[o * kInputs + k] * row[k];
    }
    return r;
  };
  LayerRounding layer;
  layer.outputs = kOutputs;
  layer.inputs = kInputs;
  layer.scale_of.assign(kInputs, 0);
  layer.scales.assign(kOutputs, 0.01f);
  for (float value : w.values<float>()) {
    layer.weights.push_back(value);
    layer.values.push_back(static_cast<int8_t>(std::clamp(std::nearbyint(value / 0.01f), -127.0f, 127.0f)));
  }
  ThreadPool pool(1);
  Network n;   // a product without a function behind
  n.graph.add_output(n.add("MatMul", {n.graph.add_input("x", DType::kFloat32, Shape{1, kInputs}), n.graph.add_constant("w", random_tensor({kInputs, kOutputs}, 1))}));
  RoundingGain gain = round_layer(layer, rows(0, 192), rows(192, 64), PassedShare(*n.last), pool);
  EXPECT_TRUE(gain.better);
  EXPECT_FALSE(gain.lost);
  EXPECT_LT(gain.after, gain.before / 50);
  double ratio = 0;
  for (int64_t k = 0; k < kInputs; ++k) ratio += layer.values[static_cast<size_t>(k)] * 0.01 * layer.weights[static_cast<size_t>(k)];
  double square = 0;
  for (int64_t k = 0; k < kInputs; ++k) square += layer.weights[static_cast<size_t>(k)] * layer.weights[static_cast<size_t>(k)];
  EXPECT_NEAR(ratio / square, 1 / 0.9, 0.03);
}

// Rows that belong to other results (a TopK before the layer chose others): nothing is learned from them.
TEST(RoundLayer, TellsWhereRowsAreLost) {
  LayerRows fitting{64, 64, 8, 2, {}, {}}, judging{32, 32, 8, 2, {}, {}};
  for (LayerRows* rows : {&fitting, &judging}) {
    Tensor x = random_tensor({8 * rows->rows}, 30), y = random_tensor({2 * rows->rows}, 31);
    rows->inputs.assign(x.values<float>().begin(), x.values<float>().end());
    rows->targets.assign(y.values<float>().begin(), y.values<float>().end());
  }
  LayerRounding layer;
  layer.outputs = 2;
  layer.inputs = 8;
  layer.scale_of.assign(8, 0);
  layer.scales.assign(2, 0.1f);
  layer.weights.assign(16, 0.33f);
  layer.values.assign(16, 3);
  ThreadPool pool(1);
  Network n;
  n.graph.add_output(n.add("MatMul", {n.graph.add_input("x", DType::kFloat32, Shape{1, 8}), n.graph.add_constant("w", random_tensor({8, 2}, 1))}));
  RoundingGain gain = round_layer(layer, fitting, judging, PassedShare(*n.last), pool);
  EXPECT_TRUE(gain.lost);
  EXPECT_FALSE(gain.better);
  EXPECT_EQ(layer.values, std::vector<int8_t>(16, 3));
}

TEST(AdaRound, AsksForFramesAndAMethodThatRounds) {
  Model model = product_network(false);
  EXPECT_THROW(quantize_model(model, weight_only(4, Rounding::kAdaRound), CalibrationFrames(frames(0, {}))), Error);
  Recipe dynamic;
  dynamic.method = Method::kDynamic;
  dynamic.rounding = Rounding::kAdaRound;
  EXPECT_THROW(quantize_model(model, dynamic, CalibrationFrames(frames(0, {}))), Error);
}

}  // namespace
}  // namespace octet
