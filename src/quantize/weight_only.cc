// Weight-only quantization: 8-bit or 4-bit weights in the file, dequantized when the model is loaded; arithmetic stays float. For size
// and download, not for speed. Scales per block of input channels as in E. Frantar et al., "GPTQ", 2022 (2210.17323, §5, "grouping"),
// with each block's scale chosen by least squared error.
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

// The axis along which blocks of one scale lie: the one that a product sums over; −1: none that is long enough.
int64_t block_axis(const Node& node, size_t index, const Tensor& weights, int64_t channel_axis, int64_t block) {
  if (weights.shape().rank() < 2) return -1;
  int64_t axis = -1;
  if (node.op->name == "Conv") axis = 1;
  else if (node.op->name == "ConvTranspose") axis = 0;
  else if (node.op->name == "Gather" && node.op->domain.empty()) axis = weights.shape().rank() - 1;
  else if (index > 0 && weights.shape().rank() == 3) axis = 2;   // recurrent weights: [directions, gates, inputs]
  else if (channel_axis >= 0 && weights.shape().rank() == 2) axis = 1 - channel_axis;
  // Shorter than half a block (depthwise convolutions): the scales would outweigh the weights.
  return axis >= 0 && weights.shape()[static_cast<int>(axis)] * 2 >= block ? axis : -1;
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
    LayerReport report = report_of(node);
    report.weight_bytes = 0;
    Recipe::Layer settings = recipe.layer(report.layer, node.op->name);
    bool any = false, four = false;
    for (auto [index, axis] : inputs) {
      Value* weights = node.input(index);
      if (weights == nullptr || !weights->is_constant() || weights->dtype != DType::kFloat32) continue;
      report.weight_bytes += static_cast<int64_t>(weights->raw_constant().bytes());
      if (!settings.quantize || weights->constant().elements() < kSmallestTensor) continue;
      Granularity granularity = axis < 0 || weights->shape->rank() < 2 ? Granularity::kTensor : settings.weights;
      int64_t along = recipe.block > 0 ? block_axis(node, index, weights->constant(), axis, recipe.block) : -1;
      auto [entry, fresh] = done.try_emplace({weights, along >= 0 ? 100 + along : granularity == Granularity::kChannel ? axis : -1}, nullptr);
      if (fresh && along >= 0) {
        BlockWeights quantized = quantize_blocks(weights->constant(), along, recipe.block, recipe.weight_bits);
        Node* dequantize = graph.add_node("", "DequantizeLinear",
                                          {graph.add_constant(weights->name + "_quantized", quantized.values),
                                           graph.add_constant(weights->name + "_scale", quantized.scales)},
                                          weights->name + "_dequantized", &node);
        dequantize->attributes.set("axis", along);
        dequantize->attributes.set("block_size", recipe.block);
        infer_node(*dequantize);
        entry->second = dequantize->outputs[0];
      } else if (fresh) {
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
      four |= along >= 0 && recipe.weight_bits == 4;
    }
    if (report.weight_bytes == 0 && !node.op->quantizable) continue;   // a Gather of activations is no layer
    if (any) report.treatment = four ? "weights int4" : "weights int8", report.reason.clear();
    else if (report.treatment != kAsItWas) report.reason = settings.quantize ? "its weights are small or computed at run time" : settings.reason;
    result.quantized_values += any;
    result.layers.push_back(std::move(report));
  }
  finish_model(result.model);
  return result;
}

}  // namespace octet
