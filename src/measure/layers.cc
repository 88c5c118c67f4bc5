#include "measure/layers.h"

#include <unordered_map>

#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

bool is_watchable(const Value& value) {
  return value.producer != nullptr && !value.is_constant() && value.dtype == DType::kFloat32 && !value.name.empty() && value.is_used();
}

// X → QuantizeLinear → DequantizeLinear → …: the last of these, when X has such readers; else X itself.
Value* seen_by_readers(Value& value) {
  for (Node* quantize : value.consumers) {
    if (!quantize->op->quantizes || quantize->input(0) != &value) continue;
    for (Node* dequantize : quantize->outputs[0]->consumers)
      if (dequantize->op->dequantizes && dequantize->input(0) == quantize->outputs[0]) return dequantize->outputs[0];
  }
  return &value;
}

}  // namespace

std::vector<WatchedValue> watch_common_values(Model& a, Model& b) {
  for (Model* model : {&a, &b}) run_passes(*model->graph, standard_passes().first(1), {});   // fold-constants infers
  std::unordered_map<std::string_view, Value*> in_b;
  for (Value& value : b.graph->values())
    if (is_watchable(value)) in_b.emplace(value.name, &value);
  std::vector<WatchedValue> watched;
  std::vector<Value*> values_a, values_b;
  for (Node& node : a.graph->nodes()) {
    if (node.op->quantizes || node.op->dequantizes) continue;
    for (Value* value : node.outputs) {
      if (value == nullptr || !is_watchable(*value)) continue;
      auto it = in_b.find(value->name);
      if (it == in_b.end() || it->second->producer->op->dequantizes) continue;
      watched.push_back({value->name, node.label()});
      values_a.push_back(seen_by_readers(*value));
      values_b.push_back(seen_by_readers(*it->second));
    }
  }
  insert_observers(*a.graph, values_a);
  insert_observers(*b.graph, values_b);
  return watched;
}

}  // namespace octet
