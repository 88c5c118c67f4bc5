// Weight-only quantization: 8-bit weights in the file, dequantized when the model is loaded; arithmetic stays float. For size and
// download, not for speed.
#include "graph/operator.h"
#include "quantize/channel_axis.h"
#include "quantize/prepare.h"
#include "quantize/quantize.h"
#include "quantize/weights.h"

namespace octet {

namespace {

constexpr int64_t kSmallestTensor = 1024;   // elements: below, scales and node would cost more than they save

// Which constant inputs of a node are weights, and along which axis their channels lie (-1: one scale).
std::vector<std::pair<size_t, int64_t>> weight_inputs(const Node& node) {
  if (node.op->quantizable) return {{1, weight_channel_axis(node)}};
  if (node.op->name == "Gather" && node.op->domain.empty()) return {{0, 0}};   // embeddings: a scale per row
  if (node.op->name == "LSTM" || node.op->name == "GRU" || node.op->name == "RNN") return {{1, 1}, {2, 1}};
  return {};
}

}  // namespace

QuantizeResult quantize_weight_only(const Model& prepared, const Recipe& recipe) {
  QuantizeResult result;
  result.model = prepared.clone();
  Graph& graph = *result.model.graph;
  std::map<std::pair<Value*, int64_t>, Value*> done;   // weights shared by several layers are stored once
  for (Node& node : graph.nodes()) {
    auto inputs = weight_inputs(node);
    if (inputs.empty()) continue;
    LayerReport report{node.name.empty() ? node.outputs[0]->name : node.name, std::string(node.op->name), "float", {}, node_cost(node).macs, 0};
    Recipe::Layer settings = recipe.layer(report.layer, node.op->name);
    bool any = false;
    for (auto [index, axis] : inputs) {
      Value* weights = node.input(index);
      if (weights == nullptr || !weights->is_constant() || weights->dtype != DType::kFloat32) continue;
      report.weight_bytes += static_cast<int64_t>(weights->raw_constant().bytes());
      if (!settings.quantize || weights->constant().elements() < kSmallestTensor) continue;
      Granularity granularity = axis < 0 || weights->shape->rank() < 2 ? Granularity::kTensor : settings.weights;
      auto [entry, fresh] = done.try_emplace({weights, granularity == Granularity::kChannel ? axis : -1}, nullptr);
      if (fresh) {
        QuantizedWeights quantized = quantize_weights(weights->constant(), std::max<int64_t>(axis, 0), granularity, {});
        bool per_channel = granularity == Granularity::kChannel;
        Tensor scales = per_channel ? Tensor::from<float>(Shape{static_cast<int64_t>(quantized.scales.size())}, quantized.scales)
                                    : Tensor::scalar(quantized.scales[0]);
        Node* dequantize = graph.add_node("", "DequantizeLinear",
                                          {graph.add_constant(weights->name + "_quantized", quantized.values),
                                           graph.add_constant(weights->name + "_scale", std::move(scales))},
                                          weights->name + "_dequantized", &node);
        if (per_channel) dequantize->attributes.set("axis", axis);
        infer_node(*dequantize);
        entry->second = dequantize->outputs[0];
      }
      graph.set_input(&node, index, entry->second);
      any = true;
    }
    if (any) report.treatment = "weights int8";
    else report.reason = settings.quantize ? "its weights are small or computed at run time" : settings.reason;
    result.quantized_values += any;
    result.layers.push_back(std::move(report));
  }
  finish_model(result.model);
  return result;
}

}  // namespace octet
