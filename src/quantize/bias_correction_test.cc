#include "quantize/bias_correction.h"

#include <gtest/gtest.h>

#include "quantize/prepare.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

// Mean over frames of the difference of each output channel, root mean square over channels.
double mean_shift(const Model& a, const Model& b, const Shape& shape, int channels) {
  std::vector<double> shift(static_cast<size_t>(channels), 0.0);
  for (int frame = 0; frame < 8; ++frame) {
    Tensor input = random_tensor(shape, 1000u + static_cast<unsigned>(frame));
    auto x = run(a, {&input, 1})[0], y = run(b, {&input, 1})[0];
    size_t inner = x.size() / shift.size();
    for (size_t i = 0; i < x.size(); ++i) shift[i / inner] += (static_cast<double>(y[i]) - x[i]) / static_cast<double>(inner) / 8;
  }
  double sum = 0;
  for (double s : shift) sum += s * s;
  return std::sqrt(sum / channels);
}

// Inputs of one sign and weights rounded coarsely (one scale for layers of uneven channels): means move.
Model biased_network() {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
  Value* y = n.add("Relu", {n.conv(x, 3, 16, 3, 1, 5, false)});
  y = n.add("Relu", {n.conv(y, 16, 16, 3, 1, 5)});
  n.graph.add_output(n.conv(y, 16, 8, 1, 1, 5, false));
  return std::move(n.model);
}

TEST(BiasCorrection, BringsMeansBack) {
  Model model = biased_network();
  const Shape shape{1, 3, 16, 16};
  Recipe recipe;
  recipe.weights = Granularity::kTensor;
  auto quantized = [&](BiasCorrection correction) {
    recipe.bias_correction = correction;
    return quantize_model(model, recipe, frames(8, {shape}));
  };
  double plain = mean_shift(model, quantized(BiasCorrection::kNone).model, shape, 8);
  QuantizeResult from_data = quantized(BiasCorrection::kData), analytic = quantized(BiasCorrection::kAnalytic);
  EXPECT_LT(mean_shift(model, from_data.model, shape, 8), 0.1 * plain);
  EXPECT_LT(mean_shift(model, analytic.model, shape, 8), 0.6 * plain);
  ASSERT_EQ(from_data.notes.size(), 1u);
  EXPECT_NE(from_data.notes[0].find("3 layers"), std::string::npos);
}

TEST(BiasCorrection, AutomaticTakesWhatIsNearer) {
  Recipe recipe;
  recipe.weights = Granularity::kTensor;
  const Shape shape{1, 3, 16, 16};
  int kept = 0, left_out = 0;
  // Behind the sine of something large no error is a shift: half of the time the correction moves the result away.
  for (float size : {0.0f, 100.0f, 211.0f, 307.0f, 401.0f, 503.0f}) {
    Network n;
    Value* x = n.graph.add_input("picture", DType::kFloat32, shape);
    Value* y = n.conv(n.add("Relu", {n.conv(x, 3, 16, 3, 1, 5, false)}), 16, 8, 1, 1, 5, false);
    if (size > 0) y = n.add("Sin", {n.add("Mul", {y, n.graph.add_constant("many", Tensor::scalar(size))})});
    n.graph.add_output(y);
    auto quantized = [&](BiasCorrection correction) {
      recipe.bias_correction = correction;
      return quantize_model(n.model, recipe, frames(8, {shape}));
    };
    QuantizeResult plain = quantized(BiasCorrection::kNone), corrected = quantized(BiasCorrection::kData), chosen = quantized(BiasCorrection::kAutomatic);
    ASSERT_EQ(chosen.notes.size(), 1u);
    bool keeps = chosen.notes[0].find("from data") != std::string::npos;
    ++(keeps ? kept : left_out);
    Tensor input = random_tensor(shape, 5);
    EXPECT_EQ(run(chosen.model, {&input, 1})[0], run((keeps ? corrected : plain).model, {&input, 1})[0]);
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(left_out, 0);
}

TEST(BiasCorrection, CorrectsTheAdditionBehindAProduct) {
  Network n;
  Value* x = n.graph.add_input("tokens", DType::kFloat32, Shape{1, 10, 16});
  Value* y = n.add("Relu", {x});
  Tensor w = random_tensor({16, 8}, 3, 0.2f);
  for (int64_t i = 0; i < w.elements(); ++i) w.data<float>()[i] *= std::exp2(static_cast<float>(i % 8));
  Value* product = n.add("MatMul", {y, n.graph.add_constant("w", std::move(w))});
  n.graph.add_output(n.add("Add", {product, n.graph.add_constant("b", random_tensor({8}, 4))}));
  Recipe recipe;
  recipe.weights = Granularity::kTensor;
  recipe.bias_correction = BiasCorrection::kNone;
  Model prepared = prepare_float(n.model);
  QuantizeResult result = quantize_model(n.model, recipe, frames(8, {{1, 10, 16}}));
  std::vector<std::vector<Tensor>> kept;
  NextFrame next = frames(8, {{1, 10, 16}});
  for (std::vector<Tensor> inputs; next(inputs);) kept.push_back(inputs);
  Model corrected = result.model.clone();
  EXPECT_EQ(correct_biases(corrected, prepared, kept, {.threads = 1}), 1);
  double before = 0, after = 0;
  for (const auto& inputs : kept) {
    auto a = run(n.model, inputs)[0], b = run(result.model, inputs)[0], c = run(corrected, inputs)[0];
    for (size_t i = 0; i < a.size(); ++i)
      if (i % 8 == 0) {
        before += b[i] - a[i];
        after += c[i] - a[i];
      }
  }
  EXPECT_LT(std::abs(after), 0.05 * std::abs(before) + 1e-3);
}

TEST(BiasCorrection, GivesLayersABias) {
  Model prepared = prepare_float(biased_network());
  add_missing_biases(prepared);
  prepared.graph->verify();
  for (const Node& node : prepared.graph->nodes())
    if (node.op->name == "Conv") EXPECT_NE(node.input(2), nullptr);
}

}  // namespace
}  // namespace octet
