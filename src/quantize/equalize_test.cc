#include "quantize/equalize.h"

#include <gtest/gtest.h>

#include "quantize/prepare.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

// Channels whose sizes differ by up to 2^6, in a residual stream without activations and in front of a depthwise convolution.
Model uneven_network() {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = n.conv(x, 3, 16, 3, 1, 6);
  Value* inner = n.add("Relu", {n.conv(n.add("Relu", {n.conv(y, 16, 16, 1, 1, 6)}), 16, 16, 3, 16, 6)});
  Value* z = n.add("Add", {n.conv(inner, 16, 16, 1, 1, 6), y});
  // Every channel counts alike for the result: the last weights undo the spread.
  Tensor w = random_tensor({4, 16, 1, 1}, 50, 0.25f);
  for (int64_t i = 0; i < w.elements(); ++i) w.data<float>()[i] /= std::exp2(6.0f * static_cast<float>(i % 16) / 16);
  n.graph.add_output(n.add("Conv", {z, n.graph.add_constant("last", std::move(w))}));
  return std::move(n.model);
}

TEST(Equalize, HelpsWhereChannelsDiffer) {
  Model model = uneven_network();
  Recipe recipe;
  recipe.bias_correction = BiasCorrection::kNone;
  double plain = worst_sqnr(model, quantize_model(model, recipe, frames(4, {{1, 3, 16, 16}})).model, {{1, 3, 16, 16}}, 3);
  recipe.equalize = true;
  QuantizeResult result = quantize_model(model, recipe, frames(4, {{1, 3, 16, 16}}));
  EXPECT_GT(worst_sqnr(model, result.model, {{1, 3, 16, 16}}, 3), plain + 6);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("equalization"), std::string::npos);
}

TEST(Equalize, StrengthZeroAndEvenChannelsChangeNothing) {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 8, 8});
  n.graph.add_output(n.conv(n.add("Relu", {n.conv(x, 3, 4, 3)}), 4, 2, 1));
  Model prepared = prepare_float(n.model);
  ChannelClasses classes = find_channel_classes(*prepared.graph);
  ChannelStatisticsMap statistics;
  std::vector<std::string> quantized;
  for (const auto& [name, axis] : channels_to_observe(classes)) {
    Tensor even(DType::kFloat32, Shape{1, 4, 1, 2});
    for (int i = 0; i < 8; ++i) even.data<float>()[i] = i % 2 ? 1.0f : 0.25f;
    statistics[name].add(even, axis);
    quantized.push_back(name);
  }
  Equalization chosen = choose_factors(classes, statistics, quantized, 1);
  for (float factor : chosen.factors) EXPECT_EQ(factor, 1);
  EXPECT_EQ(chosen.sets, 0);
}

// Frames of one class: what they hardly excite is not small for that. Dividing by it would saturate the other classes.
TEST(Equalize, KeepsTheRangeOfChannelsThatFramesHardlyExcite) {
  constexpr int kIn = 8, kHidden = 16;
  Network n;
  Value* x = n.graph.add_input("features", DType::kFloat32, Shape{1, kIn});
  Tensor first(DType::kFloat32, Shape{kIn, kHidden});   // the lower half of the features makes the lower half of the channels
  Tensor noise = random_tensor({kIn, kHidden}, 70);
  for (int i = 0; i < kIn * kHidden; ++i) first.data<float>()[i] = i / kHidden / (kIn / 2) == i % kHidden / (kHidden / 2) ? noise.data<float>()[i] : 0;
  Value* hidden = n.add("Relu", {n.add("MatMul", {x, n.graph.add_constant("w", std::move(first))})});
  n.graph.add_output(n.add("MatMul", {hidden, n.graph.add_constant("v", random_tensor({kHidden, 3}, 71))}));
  int at = 0;
  auto one_class = [&](std::vector<Tensor>& inputs) {
    if (at == 100) return false;
    inputs.clear();
    inputs.push_back(random_tensor({1, kIn}, 500u + static_cast<unsigned>(at++)));
    for (int i = kIn / 2; i < kIn; ++i) inputs[0].data<float>()[i] *= 0.03f;
    return true;
  };
  Recipe recipe;
  recipe.bias_correction = BiasCorrection::kNone;
  auto sqnr = [&](bool equalize) {
    at = 0;
    recipe.equalize = equalize;
    return worst_sqnr(n.model, quantize_model(n.model, recipe, CalibrationFrames(one_class)).model, {{1, kIn}}, 20);
  };
  double plain = sqnr(false), equalized = sqnr(true);
  EXPECT_GT(plain, 18);
  EXPECT_GT(equalized, plain - 3);
}

// Below a Clip a channel may grow until it reaches the bound, and never shrink.
TEST(Equalize, StaysBelowBounds) {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = n.relu6(n.conv(x, 3, 16, 3, 1, 6));
  n.graph.add_output(n.conv(n.relu6(n.conv(y, 16, 16, 3, 16)), 16, 4, 1));
  Model prepared = prepare_float(n.model);
  ChannelClasses classes = find_channel_classes(*prepared.graph);
  ChannelStatisticsMap statistics;
  std::vector<std::string> quantized;
  for (const auto& [name, axis] : channels_to_observe(classes)) {
    Tensor tensor(DType::kFloat32, Shape{1, 16, 32, 32});
    for (int c = 0; c < 16; ++c) std::fill_n(tensor.data<float>() + c * 1024, 1024, 6.0f / static_cast<float>(1 << (c / 3)));
    statistics[name].add(tensor, axis);
    quantized.push_back(name);
  }
  Equalization chosen = choose_factors(classes, statistics, quantized);
  EXPECT_GT(chosen.sets, 0);
  for (const auto& [value, channels] : classes.values)
    for (size_t c = 0; c < channels.classes.size(); ++c) {
      float factor = chosen.factors[static_cast<size_t>(channels.classes[c])];
      if (classes.bound[static_cast<size_t>(channels.classes[c])] == 0) continue;
      EXPECT_LE(factor, 1);
      EXPECT_LE(6.0f / static_cast<float>(1 << (c / 3)) / factor, 6.0f);
    }
}

TEST(ChannelStatistics, CountEveryChannelApart) {
  ChannelStatistics statistics;
  statistics.add(Tensor::from<float>(Shape{2, 2, 2}, std::vector<float>{1, 2, -3, 4, 5, NAN, 7, 8}), 1);
  EXPECT_EQ(statistics.channels(), 2u);
  EXPECT_EQ(statistics.highest(0), 5);
  EXPECT_EQ(statistics.lowest(1), -3);
  EXPECT_EQ(statistics.largest(1), 8);
  EXPECT_EQ(statistics.count(0), 3);
  EXPECT_DOUBLE_EQ(statistics.mean(0), 8.0 / 3);
  EXPECT_DOUBLE_EQ(statistics.mean_square(1), (9 + 16 + 49 + 64) / 4.0);
  EXPECT_THROW(statistics.add(Tensor::of<float>({1, 2, 3}), 0), Error);
  EXPECT_THROW(statistics.add(Tensor::of<float>({1, 2}), 1), Error);
}

}  // namespace
}  // namespace octet
