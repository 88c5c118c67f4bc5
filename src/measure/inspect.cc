#include "measure/inspect.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "frames/pipeline_config.h"
#include "graph/operator.h"
#include "measure/eight_bit.h"
#include "passes/pass.h"
#include "runtime/session.h"

namespace octet {

namespace {

// Layers that torch.quantization.quantize_dynamic converts, as they look in ONNX: nn.Linear and nn.LSTM.
bool is_torch_dynamic(const Node& node) {
  if (node.op->name == "LSTM") return true;
  if (node.op->name != "Gemm" && node.op->name != "MatMul") return false;
  const Value* weights = constant_behind(node.input(1));
  return weights != nullptr && weights->shape && weights->shape->rank() == 2;
}

class Inspector {
 public:
  explicit Inspector(InspectResult& result) : result_(result) {}

  void visit(const Graph& graph) {
    for (const Node& node : graph.nodes()) {
      // What DequantizeLinear unpacks is counted at the layer that uses it.
      if (node.op->dequantizes && constant_behind(node.input(0)) != nullptr) continue;
      add(node);
      for (const auto& [name, value] : node.attributes)
        if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) visit(**body);
    }
  }

 private:
  void add(const Node& node) {
    LayerCost& layer = result_.layers.emplace_back();
    layer.layer = node.name.empty() && node.output(0) != nullptr ? node.output(0)->name : node.name;
    layer.operator_type = node.op->name;
    if (node.output(0) != nullptr && node.output(0)->shape) layer.output_shape = node.output(0)->shape->to_string();
    layer.macs = node_cost(node).macs;
    const EightBit part = layer.macs > 0 ? eight_bit_part(node) : EightBit::kNone;
    layer.is_quantized = part == EightBit::kWhole;
    layer.has_quantized_weights = part != EightBit::kNone;
    bool constant_weights = constant_behind(node.input(1)) != nullptr, open = layer.macs > 0 && part == EightBit::kNone;
    layer.is_static = open && node.op->quantizable;
    layer.is_dynamic = open && node.op->dynamic_quantizable && constant_weights;
    layer.is_torch_dynamic = open && is_torch_dynamic(node);
    result_.quantized_layers += layer.is_quantized;
    result_.weight_only_layers += part == EightBit::kWeights;
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (const Value* weights = constant_behind(node.inputs[i])) add_weights(layer, *weights, i == 1 && layer.is_static);
  }

  void add_weights(LayerCost& layer, const Value& weights, bool becomes_int8) {
    if (!seen_.insert(&weights).second) return;
    auto bytes = static_cast<int64_t>(weights.raw_constant().bytes());
    int64_t elements = weights.raw_constant().elements();
    layer.weight_bytes += bytes;
    layer.weight_elements += elements;
    result_.weight_bytes += bytes;
    result_.parameters += elements;
    // One byte each, and a float scale per output channel: along the first axis in convolutions, the last one in matrices.
    int64_t channels = weights.shape->rank() > 0 ? std::max((*weights.shape)[0], (*weights.shape)[weights.shape->rank() - 1]) : 1;
    bool shrinks = becomes_int8 && dtype_is_float(weights.dtype);
    result_.int8_weight_bytes += shrinks ? std::min(bytes, elements + 4 * channels) : bytes;
  }

  InspectResult& result_;
  std::set<const Value*> seen_;
};

double share(const InspectResult& result, bool LayerCost::*covered) {
  if (result.macs == 0) return kNotMeasured;
  int64_t macs = 0;
  for (const LayerCost& layer : result.layers)
    if (layer.*covered) macs += layer.macs;
  return static_cast<double>(macs) / static_cast<double>(result.macs);
}

std::vector<OperatorCost> by_operator(const std::vector<LayerCost>& layers) {
  std::map<std::string, OperatorCost> types;
  for (const LayerCost& layer : layers) {
    OperatorCost& type = types[layer.operator_type];
    type.operator_type = layer.operator_type;
    ++type.count;
    type.macs += layer.macs;
    type.weight_bytes += layer.weight_bytes;
  }
  std::vector<OperatorCost> sorted;
  for (auto& [name, type] : types) sorted.push_back(std::move(type));
  std::stable_sort(sorted.begin(), sorted.end(), [](const OperatorCost& a, const OperatorCost& b) {
    return a.macs != b.macs ? a.macs > b.macs : a.weight_bytes > b.weight_bytes;
  });
  return sorted;
}

}  // namespace

InspectResult inspect_model(const Model& model, const InspectOptions& options) {
  InspectResult result;
  result.model = model.path;
  result.ir_version = model.ir_version;
  for (const auto& [domain, version] : model.graph->opsets) result.opsets.emplace_back(domain.empty() ? "ai.onnx" : domain, version);
  result.producer = model.producer_name + (model.producer_version.empty() ? "" : " " + model.producer_version);
  result.inputs = model_inputs(model);
  result.outputs = model_outputs(model);
  result.carries_pipeline = model.find_metadata(kPipelineMetadataKey) != nullptr;
  try {
    result.input_shapes = default_shapes(result.inputs, options.shapes);
    std::unique_ptr<Graph> graph = model.graph->clone();
    size_t next = 0;
    for (Value* value : graph->inputs)
      if (!value->is_constant()) value->shape = result.input_shapes[next++];
    run_passes(*graph, standard_passes(), {});
    Inspector(result).visit(*graph);
  } catch (const Error& error) {
    throw error.with_file(model.path).with_hint(hint_on_shapes(result.inputs, result.input_shapes));
  }
  for (const LayerCost& layer : result.layers) result.macs += layer.macs;
  result.operators = by_operator(result.layers);
  result.quantized_share = share(result, &LayerCost::is_quantized);
  result.static_coverage = share(result, &LayerCost::is_static);
  result.dynamic_coverage = share(result, &LayerCost::is_dynamic);
  result.torch_dynamic_coverage = share(result, &LayerCost::is_torch_dynamic);
  return result;
}

}  // namespace octet
