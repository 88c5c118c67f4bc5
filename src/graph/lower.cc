#include "graph/operator.h"

namespace octet {

QuantizedValue LowerContext::input(size_t i) const {
  Value* value = node_.input(i);
  if (value == nullptr || value->producer == nullptr || !value->producer->op->dequantizes) return {};
  const Node& dequantize = *value->producer;
  if (dequantize.attributes.integer("block_size", 0) != 0) return {};
  Value* scale = dequantize.input(1);
  Value* zero_point = dequantize.input(2);
  if (scale == nullptr || !scale->is_constant() || scale->dtype != DType::kFloat32) return {};
  if (zero_point != nullptr && !zero_point->is_constant()) return {};
  return {dequantize.input(0), scale, zero_point, dequantize.attributes.integer("axis", 1)};
}

QuantizedValue LowerContext::output() const {
  Value* value = tail();
  if (value == nullptr || value->graph_outputs > 0 || value->consumers.size() != 1) return {};
  const Node& quantize = *value->consumers[0];
  if (!quantize.op->quantizes || quantize.input(0) != value) return {};
  if (quantize.attributes.integer("block_size", 0) != 0) return {};
  Value* scale = quantize.input(1);
  Value* zero_point = quantize.input(2);
  if (scale == nullptr || !scale->is_constant() || scale->dtype != DType::kFloat32) return {};
  if (zero_point != nullptr && !zero_point->is_constant()) return {};
  return {quantize.output(0), scale, zero_point, quantize.attributes.integer("axis", 1)};
}

Node* LowerContext::add(std::string_view domain, std::string_view op, std::vector<Value*> inputs) {
  Node* node = graph_.add_node(domain, op, std::move(inputs), node_.outputs[0]->name, &node_);
  node->name = node_.name;   // profiles and reports go on speaking of the layer by its own name
  return node;
}

void LowerContext::finish(Value* result) {
  result_ = result;
  if (QuantizedValue quantized = output(); quantized.value != nullptr) {
    Node* quantize = tail()->consumers[0];
    graph_.replace_uses(quantized.value, result);
    graph_.remove_node(quantize);
  } else {
    graph_.replace_uses(tail(), result);
  }
  for (size_t i = absorbed_.size(); i-- > 0;) graph_.remove_node(absorbed_[i]);
  graph_.remove_node(&node_);
}

}  // namespace octet
