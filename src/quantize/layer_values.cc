#include "quantize/layer_values.h"

#include <cmath>

#include "base/interrupt.h"
#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "quantize/channel_classes.h"

namespace octet {

LayerBias find_bias(Node& node) {
  LayerBias bias;
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
  if (given->is_constant()) return given->dtype == DType::kFloat32 ? LayerBias{given, nullptr, &node, 2} : bias;
  Node* dequantize = given->producer;
  if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[0]->is_constant() || !dequantize->inputs[1]->is_constant() ||
      dequantize->inputs[0]->dtype != DType::kInt32)
    return bias;
  return {dequantize->inputs[0], &dequantize->inputs[1]->constant(), dequantize, 0};
}

void subtract_from_bias(Graph& graph, const LayerBias& bias, const std::vector<double>& errors) {
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

bool has_rounded_weights(const Node& node) {
  if (!node.op->quantizable || node.input(1) == nullptr) return false;
  const Node* dequantize = node.inputs[1]->producer;
  return dequantize != nullptr && dequantize->op->dequantizes && dequantize->inputs[0]->is_constant() && dequantize->inputs[1]->is_constant();
}

PassedShare::PassedShare(const Node& layer) {
  const Node* next = absorbed_behind(layer);
  if (next != nullptr && next->op->name == "Add") next = absorbed_behind(*next);
  if (next == nullptr || next->op->scalar_function == nullptr) return;
  // The squared slope, between the middles of steps.
  slopes_.resize(kSteps);
  for (int i = 0; i < kSteps; ++i) {
    double x = kLowest + (i + 0.5) * kStep;
    double slope = (next->op->scalar_function(*next, x + kStep / 2) - next->op->scalar_function(*next, x - kStep / 2)) / kStep;
    slopes_[static_cast<size_t>(i)] = std::isfinite(slope) ? std::min(slope * slope, 4.0) : 0;
  }
}

Model up_to(const Model& model, const std::string& value_name) {
  Model part = model.clone();
  Graph& graph = *part.graph;
  for (Value* output : graph.outputs) output->graph_outputs = 0;
  graph.outputs.clear();
  graph.add_output(graph.find_value(value_name));
  graph.remove_dead();
  return part;
}

void FloatResults::load(size_t first) {
  // One frame tells the sizes.
  std::vector<size_t> bytes(names_.size() - first, 0);
  std::span<const std::string> rest = std::span(names_).subspan(first);
  {
    WatchRun run(prepared_, rest, [&](size_t k, const Tensor& tensor) { bytes[k] = tensor.bytes(); }, options_);
    run.add_frame(frames_.front());
  }
  size_t count = 0;
  for (size_t sum = 0; count < bytes.size() && (count == 0 || sum + bytes[count] * frames_.size() <= kBytes); ++count) sum += bytes[count] * frames_.size();
  first_ = first;
  kept_.assign(count, {});
  WatchRun run(prepared_, rest.first(count), [&](size_t k, const Tensor& tensor) { kept_[k].push_back(tensor.clone()); }, options_);
  for (const std::vector<Tensor>& inputs : frames_) {
    check_interrupt();
    run.add_frame(inputs);
  }
}

}  // namespace octet
