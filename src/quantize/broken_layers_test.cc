#include "quantize/broken_layers.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "calibrate/calibrate.h"
#include "octet/error.h"
#include "quantize/sensitivity.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

// A first layer whose channels grow from 1 to 2^spread, a depthwise layer that makes them alike again, and some layers that read
// all of them: under one scale for the input of the depthwise layer, the small channels become noise. SiLU keeps equalization from mending it.
struct Uneven : Network {
  std::string depthwise;
  explicit Uneven(float spread) {
    Value* x = graph.add_input("picture", DType::kFloat32, Shape{1, 3, 16, 16});
    auto silu = [&](Value* y) { return add("Mul", {y, add("Sigmoid", {y})}); };
    Value* y = silu(conv(x, 3, 16, 3, 1, spread));
    y = conv(y, 16, 16, 3, 16, -spread);
    depthwise = last->name;
    y = silu(conv(silu(y), 16, 32, 1));
    y = silu(conv(y, 32, 32, 3));
    graph.add_output(conv(y, 32, 8, 1));
  }
};

constexpr int kFrames = 8;
const std::vector<Shape> kShapes{{1, 3, 16, 16}};

QuantizeResult quantize_uneven(const Uneven& network, Recipe recipe) {
  recipe.bias_correction = BiasCorrection::kNone;
  return quantize_model(network.model, recipe, frames(kFrames, kShapes));
}

const LayerReport& report_on(const QuantizeResult& result, const std::string& layer) {
  for (const LayerReport& report : result.layers)
    if (report.layer == layer) return report;
  throw Error(ErrorCode::kNotFound, "no layer " + layer);
}

TEST(BrokenLayers, StayFloatAndSayWhy) {
  Uneven network(14);
  Recipe everything;
  everything.broken_layers = BrokenLayers::kInt8;
  QuantizeResult broken = quantize_uneven(network, everything), kept = quantize_uneven(network, {});
  double before = worst_sqnr(network.model, broken.model, kShapes, 4), after = worst_sqnr(network.model, kept.model, kShapes, 4);
  EXPECT_LT(before, 20);
  EXPECT_GT(after, before + 6);
  EXPECT_EQ(report_on(broken, network.depthwise).treatment, "int8");
  const LayerReport& layer = report_on(kept, network.depthwise);
  EXPECT_EQ(layer.treatment, "float");
  EXPECT_NE(layer.reason.find("-fold under one scale"), std::string::npos) << layer.reason;
  ASSERT_FALSE(kept.notes.empty());
  EXPECT_NE(kept.notes[0].find("kept float: " + network.depthwise), std::string::npos) << kept.notes[0];
  int others = 0;
  for (const LayerReport& report : kept.layers) others += report.treatment == "int8";
  EXPECT_EQ(others, 4);
}

TEST(BrokenLayers, WhatTheRecipeSaysOfALayerWins) {
  Uneven network(14);
  Recipe recipe;
  LayerOverride entry;
  entry.name = network.depthwise;
  entry.quantize = true;
  recipe.layers.push_back(entry);
  QuantizeResult result = quantize_uneven(network, recipe);
  EXPECT_EQ(report_on(result, network.depthwise).treatment, "int8");
  ASSERT_FALSE(result.notes.empty());
  EXPECT_NE(result.notes[0].find("8-bit because the recipe says so: " + network.depthwise), std::string::npos) << result.notes[0];
}

TEST(BrokenLayers, AlikeChannelsAreLeftAlone) {
  Uneven network(0);
  QuantizeResult result = quantize_uneven(network, {});
  for (const LayerReport& report : result.layers) EXPECT_EQ(report.treatment, "int8") << report.layer;
  EXPECT_TRUE(result.notes.empty());
}

// Study alone, all in 8 bits: the forecast names the layer that listening finds the worst.
TEST(BrokenLayers, ForecastAgreesWithWhatIsHeard) {
  Uneven network(14);
  Recipe recipe;
  recipe.bias_correction = BiasCorrection::kNone;
  recipe.broken_layers = BrokenLayers::kInt8;
  CalibrationFrames source(frames(kFrames, kShapes));
  StaticJob job(network.model, recipe, source, {.threads = 1}, {});
  QuantizeResult whole = job.quantize();
  std::map<std::string, int> wanted = channels_to_forecast(*job.prepared().graph);
  std::vector<std::string> names;
  std::vector<int> axes;
  for (const auto& [name, axis] : wanted) {
    names.push_back(name);
    axes.push_back(axis);
  }
  ChannelStatisticsMap seen;
  WatchRun run(job.prepared(), names, [&](size_t i, const Tensor& tensor) { seen[names[i]].add(tensor, axes[i]); }, {.threads = 1});
  for (unsigned frame = 0; frame < 4; ++frame) {
    std::vector<Tensor> inputs;
    inputs.push_back(random_tensor(kShapes[0], 1000u + frame));
    run.add_frame(inputs);
  }
  std::vector<LayerForecast> forecasts = forecast_layers(job.prepared(), whole.model, seen);
  ASSERT_EQ(forecasts.size(), 5u);
  double macs = 0;
  for (const LayerForecast& forecast : forecasts) {
    macs += forecast.macs;
    if (forecast.layer == network.depthwise) {
      EXPECT_GT(forecast.noise, 0.1);
      EXPECT_GT(forecast.spread, 1000);
    } else {
      EXPECT_LT(forecast.noise, 0.01) << forecast.layer;
    }
  }
  EXPECT_NEAR(macs, 1, 1e-9);
  auto depthwise = std::find_if(forecasts.begin(), forecasts.end(), [&](const LayerForecast& forecast) { return forecast.layer == network.depthwise; });
  // 16 channels of 9 weights, of 3·16·9 + 16·9 + 16·32 + 32·32·9 + 32·8.
  EXPECT_NEAR(depthwise->macs, 144.0 / (432 + 144 + 512 + 9216 + 256), 1e-9);
}

}  // namespace
}  // namespace octet
