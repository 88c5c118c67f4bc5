#include "quantize/broken_layers.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/operator.h"
#include "quantize/selection.h"

namespace octet {

namespace {

bool has_constant_weights(const Node& node) {
  return node.op->quantizable && node.input(1) != nullptr && node.inputs[1]->is_constant() && node.inputs[1]->dtype == DType::kFloat32 &&
         node.inputs[1]->shape->rank() >= 2 && node.input(0) != nullptr && !node.inputs[0]->is_constant() && node.inputs[0]->dtype == DType::kFloat32 &&
         node.inputs[0]->shape.has_value() && node.output(0)->shape.has_value();
}

int channel_axis(const Node& node, const Value& value) { return node.op->name == "MatMul" ? value.shape->rank() - 1 : 1; }

double variance(const ChannelStatistics& seen, size_t channel) {
  return std::max(seen.mean_square(channel) - seen.mean(channel) * seen.mean(channel), 0.0);
}

// A constant as floats, whether it is one or comes out of a DequantizeLinear of constants; false: neither.
bool read_constant(const Value& value, Tensor& result) {
  if (value.is_constant()) {
    result = value.constant().clone();
    return value.dtype == DType::kFloat32;
  }
  const Node* dequantize = value.producer;
  if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[0]->is_constant() || !dequantize->inputs[1]->is_constant()) return false;
  std::vector<const Tensor*> inputs;
  for (const Value* input : dequantize->inputs) inputs.push_back(input != nullptr ? &input->constant() : nullptr);
  result = evaluate_node(*dequantize, inputs)[0];
  return true;
}

class Forecaster {
 public:
  Forecaster(const Model& prepared, const Model& quantized, const ChannelStatisticsMap& seen) : prepared_(prepared), quantized_(quantized), seen_(seen) {}

  std::vector<LayerForecast> run() {
    std::vector<LayerForecast> result;
    for (const Node& node : prepared_.graph->nodes())
      if (has_constant_weights(node)) all_ += macs_of(node);
    if (!(all_ > 0)) return result;
    for (const Node& node : quantized_.graph->nodes()) {
      if (!node.op->quantizable || node.input(1) == nullptr) continue;
      const Node* dequantize = node.inputs[0]->producer;
      if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[1]->is_constant()) continue;
      const Value* same = prepared_.graph->find_value(node.output(0)->name);
      if (same == nullptr || same->producer == nullptr || same->producer->op != node.op || !has_constant_weights(*same->producer)) continue;
      const ChannelStatistics *input = seen_of(*same->producer->inputs[0]), *output = seen_of(*same);
      if (input == nullptr || output == nullptr) continue;
      if (auto forecast = forecast_of(*same->producer, node, dequantize->inputs[1]->constant().data<float>()[0], *input, *output)) result.push_back(*forecast);
    }
    return result;
  }

 private:
  const ChannelStatistics* seen_of(const Value& value) const {
    auto it = seen_.find(value.name);
    return it != seen_.end() ? &it->second : nullptr;
  }

  // As seen, over all frames: extents may be free. Every position of the result (of a transposed convolution: of the input) multiplies all weights once.
  double macs_of(const Node& node) const {
    const ChannelStatistics* seen = seen_of(node.op->name == "ConvTranspose" ? *node.inputs[0] : *node.output(0));
    return seen != nullptr && seen->channels() > 0 ? static_cast<double>(seen->count(0)) * static_cast<double>(node.inputs[1]->constant().elements()) : 0;
  }

  // Σ w² · power of the input channel, per output channel; empty where the statistics do not fit the weights.
  static std::vector<double> through(const Node& layer, const Tensor& weights, const std::vector<double>& powers) {
    WeightLayout layout = weight_layout(layer);
    auto inputs = static_cast<size_t>(layout.rows_are_outputs ? layout.columns * layout.groups : layout.rows);
    auto outputs = static_cast<size_t>(layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups);
    if (inputs != powers.size()) return {};
    std::vector<double> sums(outputs, 0.0);
    const float* w = weights.data<float>();
    for (int64_t i = 0, count = weights.elements(); i < count; ++i) {
      auto [from, to] = layout.channels_of(i);
      sums[static_cast<size_t>(to)] += static_cast<double>(w[i]) * w[i] * powers[static_cast<size_t>(from)];
    }
    return sums;
  }

  std::optional<LayerForecast> forecast_of(const Node& exact, const Node& rounded, double step, const ChannelStatistics& input, const ChannelStatistics& output) {
    Tensor weights = exact.inputs[1]->constant().clone(), rounding;
    if (!read_constant(*rounded.inputs[1], rounding) || rounding.shape() != weights.shape()) return {};
    float *w = rounding.data<float>();
    for (int64_t i = 0, count = weights.elements(); i < count; ++i) w[i] -= weights.data<float>()[i];
    std::vector<double> noises, powers, sizes;
    for (size_t c = 0; c < input.channels(); ++c) {
      powers.push_back(input.mean_square(c));
      noises.push_back(std::min(step * step / 12, powers.back()));   // what rounds to zero loses no more than itself
      sizes.push_back(input.largest(c));
    }
    std::vector<double> of_input = through(exact, weights, noises), of_weights = through(exact, rounding, powers);
    if (of_input.empty() || of_weights.empty() || of_input.size() != output.channels()) return {};
    LayerForecast forecast;
    LayerReport report = report_of(exact);
    forecast.layer = report.layer;
    forecast.op = report.op;
    forecast.macs = macs_of(exact) / all_;
    double noise = 0, signal = 0;
    std::vector<double> shares;   // of noise in each channel of the result
    for (size_t o = 0; o < output.channels(); ++o) {
      double own = of_input[o] + of_weights[o], power = variance(output, o);
      noise += own;
      signal += power;
      shares.push_back(power > 0 ? own / power : 0);
    }
    forecast.noise = signal > 0 ? noise / signal : 0;
    follow(*exact.output(0), shares, forecast.noise, 0);
    std::erase(sizes, 0.0);   // dead channels
    std::sort(sizes.begin(), sizes.end());
    if (!sizes.empty()) forecast.spread = sizes.back() / sizes[sizes.size() / 10];
    return forecast;
  }

  // To the results of the layers that read the value, perhaps behind functions and pooling: there each channel has the share of noise that it
  // had in front of them.
  void follow(const Value& value, const std::vector<double>& shares, double& worst, int depth) {
    constexpr int kDepth = 4;
    for (const Node* reader : value.consumers) {
      if (reader->inputs[0] != &value || reader->output(0) == nullptr) continue;
      bool keeps_channels = reader->op->scalar_function != nullptr || reader->op->name == "Relu" || reader->op->name == "Clip" || reader->op->name == "MaxPool" ||
                            reader->op->name == "AveragePool" || reader->op->name == "Resize";
      if (keeps_channels && depth < kDepth) follow(*reader->output(0), shares, worst, depth + 1);
      if (!has_constant_weights(*reader)) continue;
      const ChannelStatistics *input = seen_of(value), *output = seen_of(*reader->output(0));
      if (input == nullptr || output == nullptr || input->channels() != shares.size()) continue;
      std::vector<double> noises;
      for (size_t c = 0; c < shares.size(); ++c) noises.push_back(std::min(shares[c] * variance(*input, c), input->mean_square(c)));
      std::vector<double> results = through(*reader, reader->inputs[1]->constant(), noises);
      if (results.size() != output->channels()) continue;
      double noise = 0, signal = 0;
      for (size_t o = 0; o < results.size(); ++o) {
        noise += results[o];
        signal += variance(*output, o);
      }
      if (signal > 0) worst = std::max(worst, noise / signal);
    }
  }

  const Model &prepared_, &quantized_;
  const ChannelStatisticsMap& seen_;
  double all_ = 0;
};

}  // namespace

std::map<std::string, int> channels_to_forecast(const Graph& prepared) {
  std::map<std::string, int> wanted;
  for (const Node& node : prepared.nodes()) {
    if (!has_constant_weights(node)) continue;
    wanted[node.inputs[0]->name] = channel_axis(node, *node.inputs[0]);
    wanted[node.output(0)->name] = channel_axis(node, *node.output(0));
  }
  return wanted;
}

std::vector<LayerForecast> forecast_layers(const Model& prepared, const Model& quantized, const ChannelStatisticsMap& seen) {
  return Forecaster(prepared, quantized, seen).run();
}

}  // namespace octet
