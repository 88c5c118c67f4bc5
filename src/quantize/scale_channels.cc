#include <algorithm>

#include "graph/operator.h"
#include "quantize/channel_classes.h"

namespace octet {

namespace {

// A constant along the channel axis of a sum, widened to all channels where it is one number.
Tensor scaled_addend(const Tensor& tensor, const ChannelLayer& layer, int from_right, const std::vector<float>& factors) {
  auto channels = static_cast<int64_t>(layer.outputs.size());
  Tensor result;
  if (tensor.elements() == 1) {
    std::vector<int64_t> extents(static_cast<size_t>(from_right + 1), 1);
    extents[0] = channels;
    result = Tensor(DType::kFloat32, Shape(std::move(extents)));
    std::fill_n(result.data<float>(), channels, tensor.data<float>()[0]);
  } else {
    result = tensor.clone();
  }
  int axis = result.shape().rank() - 1 - from_right;
  int64_t inner = result.shape().elements(axis + 1, result.shape().rank());
  float* values = result.data<float>();
  for (int64_t i = 0, count = result.elements(); i < count; ++i)
    values[i] /= factors[static_cast<size_t>(layer.outputs[static_cast<size_t>(i / inner % channels)])];
  return result;
}

Value* scaled_vector(Graph& graph, const Value& vector, const std::vector<int>& outputs, const std::vector<float>& factors) {
  Tensor tensor = vector.constant().clone();
  float* values = tensor.data<float>();
  for (int64_t i = 0, count = tensor.elements(); i < count; ++i) values[i] /= factors[static_cast<size_t>(outputs[static_cast<size_t>(i)])];
  return graph.add_constant(vector.name, std::move(tensor));
}

}  // namespace

void scale_channels(Graph& graph, const ChannelClasses& classes, const std::vector<float>& factors) {
  for (const ChannelLayer& layer : classes.layers) {
    Node& node = *layer.node;
    if (node.op->name == "Add") {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (!node.inputs[i]->is_constant()) continue;
        const ChannelValue& out = classes.values.at(node.output(0));
        int from_right = node.output(0)->shape->rank() - 1 - out.axis;
        graph.set_input(&node, i, graph.add_constant(node.inputs[i]->name, scaled_addend(node.inputs[i]->constant(), layer, from_right, factors)));
      }
      continue;
    }
    if (node.op->name == "LayerNormalization") {
      graph.set_input(&node, 1, scaled_vector(graph, *node.inputs[1], layer.outputs, factors));
      if (node.input(2) != nullptr) graph.set_input(&node, 2, scaled_vector(graph, *node.inputs[2], layer.outputs, factors));
      continue;
    }
    WeightLayout layout = weight_layout(node);
    Tensor weights = node.inputs[1]->constant().clone();
    float* w = weights.data<float>();
    for (int64_t i = 0, count = weights.elements(); i < count; ++i) {
      auto [input, output] = layout.channels_of(i);
      if (!layer.inputs.empty()) w[i] *= factors[static_cast<size_t>(layer.inputs[static_cast<size_t>(input)])];
      if (!layer.outputs.empty()) w[i] /= factors[static_cast<size_t>(layer.outputs[static_cast<size_t>(output)])];
    }
    graph.set_input(&node, 1, graph.add_constant(node.inputs[1]->name, std::move(weights)));
    if (node.input(2) != nullptr && !layer.outputs.empty())
      graph.set_input(&node, 2, scaled_vector(graph, *node.inputs[2], layer.outputs, factors));
  }
  graph.remove_dead();
}

}  // namespace octet
