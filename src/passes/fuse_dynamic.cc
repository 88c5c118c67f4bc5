// What dynamic quantization writes behind an integer product becomes part of it:
//
//   ConvInteger(q, w, zx, zw) → Cast(float) → · (sx · sw) → [+ bias]      → octet.ConvIntegerToFloat
//   MatMulInteger(a, b, za, zb) → Cast(float) → · (sa · sb) → [+ bias]    → com.microsoft.MatMulIntegerToFloat
//
// The same roundings in the same order: float(sum) · (sx · sw), then the addition.
#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

bool is(const Node* node, std::string_view name) { return node != nullptr && node->op->domain.empty() && node->op->name == name; }

Node* sole_reader(const Value* value, std::string_view name) {
  if (value->graph_outputs > 0 || value->consumers.size() != 1) return nullptr;
  return is(value->consumers[0], name) ? value->consumers[0] : nullptr;
}

// A constant with at most one value per output channel, which lie along axis `channel_axis` counted from the end (1: the last axis).
bool is_per_channel(const Value* value, int64_t channels, int channel_axis) {
  if (!value->is_constant() || value->dtype != DType::kFloat32) return false;
  const Shape& shape = *value->shape;
  int64_t count = shape.elements();
  if (count == 1) return true;
  return count == channels && shape.rank() >= channel_axis && shape[shape.rank() - channel_axis] == channels;
}

Value* as_vector(Graph& graph, Value* value, int64_t channels, bool expand) {
  Tensor tensor = value->constant().reshaped(Shape{value->constant().elements()});
  if (expand && tensor.elements() == 1) {   // a bias has one value per channel
    std::vector<float> values(static_cast<size_t>(channels), tensor.data<float>()[0]);
    tensor = Tensor::from<float>(Shape{channels}, values);
  }
  return graph.add_constant(value->name, tensor);
}

bool fuse(Graph& graph, Node& product) {
  bool convolution = is(&product, "ConvInteger");
  if (!convolution && !is(&product, "MatMulInteger")) return false;
  const Value* weights = product.inputs[1];
  if (!product.outputs[0]->shape || !weights->shape || !weights->shape->is_concrete() || weights->shape->rank() < 2) return false;
  int rank = product.outputs[0]->shape->rank();
  int64_t channels = convolution ? (*weights->shape)[0] : (*weights->shape)[weights->shape->rank() - 1];
  // Zero points per row of the left side have no place in the fused form.
  if (const Value* zero = product.input(2); zero != nullptr && (!zero->has_concrete_shape() || zero->shape->elements() != 1)) return false;
  Node* cast = sole_reader(product.outputs[0], "Cast");
  if (cast == nullptr || cast->attributes.integer("to", 0) != static_cast<int64_t>(DType::kFloat32)) return false;
  Node* scale = sole_reader(cast->outputs[0], "Mul");
  if (scale == nullptr) return false;
  Value* factor = scale->inputs[scale->inputs[0] == cast->outputs[0] ? 1 : 0];
  if (!is(factor->producer, "Mul")) return false;
  // One factor is the input's scale, known at run time; the other the weights', constant.
  int channel_axis = convolution ? rank - 1 : 1;
  Value *x_scale = nullptr, *w_scale = nullptr;
  for (size_t i = 0; i < 2; ++i) {
    Value *a = factor->producer->inputs[i], *b = factor->producer->inputs[1 - i];
    bool fits = a->dtype == DType::kFloat32 && a->has_concrete_shape() && a->shape->elements() == 1 && is_per_channel(b, channels, channel_axis);
    if (fits && x_scale == nullptr) x_scale = a, w_scale = b;
  }
  if (x_scale == nullptr) return false;
  Node* last = scale;
  Value* bias = nullptr;
  if (Node* add = sole_reader(scale->outputs[0], "Add")) {
    Value* other = add->inputs[add->inputs[0] == scale->outputs[0] ? 1 : 0];
    if (other != scale->outputs[0] && other->shape && other->shape->rank() <= rank && is_per_channel(other, channels, channel_axis)) {
      bias = other;
      last = add;
    }
  }
  Value* w_vector = as_vector(graph, w_scale, channels, false);
  Value* b_vector = bias != nullptr ? as_vector(graph, bias, channels, true) : nullptr;
  std::vector<Value*> inputs;
  if (convolution) inputs = {product.inputs[0], x_scale, product.input(2), product.inputs[1], w_vector, product.input(3), b_vector};
  else inputs = {product.inputs[0], product.inputs[1], x_scale, w_vector, product.input(2), product.input(3), b_vector};
  while (inputs.back() == nullptr) inputs.pop_back();
  // In front of the last node: everything it needs exists there.
  Node* together = graph.add_node(convolution ? "octet" : "com.microsoft", convolution ? "ConvIntegerToFloat" : "MatMulIntegerToFloat",
                                  std::move(inputs), last->outputs[0]->name, last);
  together->name = product.name;
  together->attributes = product.attributes;
  together->outputs[0]->dtype = last->outputs[0]->dtype;
  together->outputs[0]->shape = last->outputs[0]->shape;
  graph.replace_uses(last->outputs[0], together->outputs[0]);
  return true;
}

}  // namespace

int fuse_dynamic(Graph& graph, const PassOptions&) {
  int fused = 0;
  for (Node& node : graph.nodes()) fused += fuse(graph, node);
  if (fused > 0) graph.remove_dead();
  return fused;
}

}  // namespace octet
