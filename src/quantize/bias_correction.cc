#include "quantize/bias_correction.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {

namespace {

// Where the bias of a quantized layer lies.
struct Bias {
  Value* constant = nullptr;         // int32 behind a DequantizeLinear, or float
  const Tensor* scales = nullptr;    // of the int32 form
  Node* reader = nullptr;            // whose input `index` the constant is
  size_t index = 0;
};

Bias find_bias(Node& node) {
  Bias bias;
  if (node.op->name == "MatMul") {
    // The addition of a constant behind it.
    const Value* out = node.output(0);
    if (out->consumers.size() != 1 || out->graph_outputs > 0 || out->consumers[0]->op->name != "Add") return bias;
    Node* add = out->consumers[0];
    size_t index = add->inputs[0] == out ? 1 : 0;
    Value* constant = add->inputs[index];
    const std::optional<Shape>& weights = node.inputs[1]->shape;
    if (!constant->is_constant() || constant->dtype != DType::kFloat32 || constant->shape->rank() != 1 || !weights || weights->rank() != 2 ||
        (*constant->shape)[0] != (*weights)[1])
      return bias;
    return {constant, nullptr, add, index};
  }
  Value* given = node.input(2);
  if (given == nullptr) return bias;
  if (given->is_constant()) return given->dtype == DType::kFloat32 ? Bias{given, nullptr, &node, 2} : bias;
  Node* dequantize = given->producer;
  if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[0]->is_constant() || !dequantize->inputs[1]->is_constant() ||
      dequantize->inputs[0]->dtype != DType::kInt32)
    return bias;
  return {dequantize->inputs[0], &dequantize->inputs[1]->constant(), dequantize, 0};
}

// bias −= errors, in a constant of its own.
void subtract(Graph& graph, const Bias& bias, const std::vector<double>& errors) {
  Tensor tensor = bias.constant->constant().clone();
  for (size_t c = 0; c < errors.size(); ++c) {
    if (bias.scales == nullptr) {
      tensor.data<float>()[c] = static_cast<float>(tensor.data<float>()[c] - errors[c]);
      continue;
    }
    double scale = bias.scales->data<float>()[bias.scales->elements() == 1 ? 0 : c];
    double moved = static_cast<double>(tensor.data<int32_t>()[c]) - std::nearbyint(errors[c] / scale);
    tensor.data<int32_t>()[c] = static_cast<int32_t>(std::clamp(moved, -2147483648.0, 2147483647.0));
  }
  graph.set_input(bias.reader, bias.index, graph.add_constant(bias.constant->name, std::move(tensor)));
}

// Layers whose weights come from a DequantizeLinear of constants and that have a bias, in graph order.
std::vector<Node*> correctable_layers(Graph& graph) {
  std::vector<Node*> layers;
  for (Node& node : graph.nodes()) {
    if (!node.op->quantizable || node.input(1) == nullptr) continue;
    const Node* dequantize = node.inputs[1]->producer;
    if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[0]->is_constant()) continue;
    if (find_bias(node).constant != nullptr) layers.push_back(&node);
  }
  return layers;
}

int channel_axis(const Node& node, const Shape& output) { return node.op->name == "MatMul" ? output.rank() - 1 : 1; }

// The model up to one value, which becomes its only output.
Model up_to(const Model& model, const std::string& value_name) {
  Model part = model.clone();
  Graph& graph = *part.graph;
  for (Value* output : graph.outputs) output->graph_outputs = 0;
  graph.outputs.clear();
  graph.add_output(graph.find_value(value_name));
  graph.remove_dead();
  return part;
}

}  // namespace

void add_missing_biases(Model& prepared) {
  for (Node& node : prepared.graph->nodes()) {
    bool convolution = node.op->name == "Conv" || node.op->name == "ConvTranspose" || node.op->name == "Gemm";
    if (!convolution || !node.op->domain.empty() || node.input(2) != nullptr || !node.inputs[1]->is_constant()) continue;
    if (node.inputs[1]->dtype != DType::kFloat32) continue;
    WeightLayout layout = weight_layout(node);
    int64_t outputs = layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups;
    Tensor zeros(DType::kFloat32, Shape{outputs});
    std::fill_n(zeros.data<float>(), outputs, 0.0f);
    Value* bias = prepared.graph->add_constant(node.inputs[1]->name + "_bias", std::move(zeros));
    prepared.graph->set_input(&node, 2, bias);
  }
}

int correct_biases(Model& quantized, const Model& prepared, const std::vector<std::vector<Tensor>>& frames, const SessionOptions& options,
                   const std::function<void(int64_t done, int64_t total)>& progress) {
  Graph& graph = *quantized.graph;
  std::vector<Node*> layers = correctable_layers(graph);
  std::vector<std::string> names;
  std::vector<int> axes;
  for (const Node* node : layers) {
    names.push_back(node->output(0)->name);
    axes.push_back(-1);
  }
  std::vector<ChannelStatistics> wanted(layers.size());
  auto look = [&](size_t i, const Tensor& tensor) { wanted[i].add(tensor, channel_axis(*layers[i], tensor.shape())); };
  {
    WatchRun run(prepared, names, look, options);
    for (const std::vector<Tensor>& inputs : frames) {
      check_interrupt();
      run.add_frame(inputs);
    }
  }
  EngineOptions engine;
  for (size_t i = 0; i < layers.size(); ++i) {
    check_interrupt();
    if (progress) progress(static_cast<int64_t>(i), static_cast<int64_t>(layers.size()));
    Session session = make_session(up_to(quantized, names[i]), options, engine);
    engine.pool = session.implementation().pool;
    ChannelStatistics seen;
    for (const std::vector<Tensor>& inputs : frames) {
      const Tensor& output = session.run(inputs)[0];
      seen.add(output, channel_axis(*layers[i], output.shape()));
    }
    if (seen.channels() != wanted[i].channels()) continue;   // a layer in a branch that was not taken
    std::vector<double> errors;
    for (size_t c = 0; c < seen.channels(); ++c) errors.push_back(seen.mean(c) - wanted[i].mean(c));
    subtract(graph, find_bias(*layers[i]), errors);
  }
  graph.remove_dead();
  return static_cast<int>(layers.size());
}

int correct_biases_analytically(Model& quantized, const Model& prepared, const ChannelStatisticsMap& statistics) {
  Graph& graph = *quantized.graph;
  int corrected = 0;
  for (Node* node : correctable_layers(graph)) {
    const Value* source_output = prepared.graph->find_value(node->output(0)->name);
    if (source_output == nullptr || source_output->producer == nullptr) continue;
    const Node& source = *source_output->producer;
    if (source.op != node->op || source.input(1) == nullptr || !source.inputs[1]->is_constant()) continue;
    auto it = statistics.find(source.inputs[0]->name);
    if (it == statistics.end()) continue;
    const Node& dequantize = *node->inputs[1]->producer;
    std::vector<const Tensor*> inputs;
    for (const Value* value : dequantize.inputs) inputs.push_back(value != nullptr ? &value->constant() : nullptr);
    Tensor rounded = evaluate_node(dequantize, inputs)[0];
    const Tensor& exact = source.inputs[1]->constant();
    if (exact.shape() != rounded.shape() || exact.shape().rank() < 2) continue;
    WeightLayout layout = weight_layout(source);
    std::vector<double> errors(static_cast<size_t>(layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups), 0.0);
    bool fits = static_cast<int64_t>(it->second.channels()) == (layout.rows_are_outputs ? layout.columns * layout.groups : layout.rows);
    if (!fits) continue;
    for (int64_t i = 0, count = exact.elements(); i < count; ++i) {
      auto [input, output] = layout.channels_of(i);
      errors[static_cast<size_t>(output)] += (static_cast<double>(rounded.data<float>()[i]) - exact.data<float>()[i]) * it->second.mean(static_cast<size_t>(input));
    }
    subtract(graph, find_bias(*node), errors);
    ++corrected;
  }
  graph.remove_dead();
  return corrected;
}

}  // namespace octet
