// Add → LayerNormalization → QuantizeLinear becomes octet.FusedNormalization: one pass over the rows, the same bits. The addition
// may be missing (or stay visible: its sum is the residual of pre-normalised transformers), and so may the quantization; a
// DequantizeLinear in front of the addition goes in as well.
#include "graph/operator.h"
#include "ops/fused_normalization.h"
#include "ops/lower_values.h"
#include "passes/pass.h"

namespace octet {

namespace {

bool is(const Node* node, std::string_view name) { return node != nullptr && node->op->domain.empty() && node->op->name == name; }

bool is_normalization(const Node& node) {
  return node.op->name == "LayerNormalization" && (node.op->domain.empty() || node.op->domain == "com.microsoft") && node.outputs[0] != nullptr &&
         node.output(1) == nullptr && node.output(2) == nullptr;
}

bool is_float_constant(const Value* value, int64_t elements) {
  return value != nullptr && value->is_constant() && value->dtype == DType::kFloat32 && value->constant().elements() == elements;
}

// One scale and at most one zero point at inputs 1 and 2, of an 8-bit type.
bool read_parameters(const Node& node, DType type, float& scale, int64_t& zero) {
  if (!ops::is_byte(type) || !is_float_constant(node.input(1), 1)) return false;
  scale = node.inputs[1]->constant().data<float>()[0];
  zero = 0;
  if (const Value* value = node.input(2)) {
    if (!value->is_constant() || value->constant().elements() != 1) return false;
    zero = ops::Reader<int32_t>(value->constant())[0];
  }
  return true;
}

bool fuse(Graph& graph, Node& norm) {
  Value* x = norm.inputs[0];
  if (x->dtype != DType::kFloat32 || !x->has_concrete_shape() || x->shape->elements() == 0) return false;
  const int rank = x->shape->rank();
  int64_t axis = norm.attributes.integer("axis", -1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return false;
  ops::FusedNormalization fused;
  fused.columns = x->shape->elements(static_cast<int>(axis), rank);
  fused.epsilon = norm.attributes.real("epsilon", 1e-5f);
  if (!is_float_constant(norm.input(1), fused.columns) || (norm.input(2) != nullptr && !is_float_constant(norm.input(2), fused.columns))) return false;

  Node* quantize = nullptr;
  Value* y = norm.outputs[0];
  if (y->graph_outputs == 0 && y->consumers.size() == 1 && is(y->consumers[0], "QuantizeLinear") && y->consumers[0]->inputs[0] == y) {
    Node* next = y->consumers[0];
    if (read_parameters(*next, next->outputs[0]->dtype, fused.y_scale, fused.y_zero_point)) {
      quantize = next;
      fused.y_type = next->outputs[0]->dtype;
    }
  }

  Node* add = is(x->producer, "Add") ? x->producer : nullptr;
  Value *skip = nullptr, *sum = x;
  if (add != nullptr) {
    Value *a = add->inputs[0], *b = add->inputs[1];
    if (a == b || a->is_constant() || b->is_constant() || a->shape != x->shape || b->shape != x->shape) add = nullptr;
    else x = a, skip = b;
  }
  if (add == nullptr && quantize == nullptr) return false;
  if (add != nullptr) {
    // A dequantized operand is read as bytes.
    for (bool first : {false, true}) {
      Value* operand = first ? x : skip;
      Node* dequantize = operand->producer;
      if (!is(dequantize, "DequantizeLinear") || !read_parameters(*dequantize, dequantize->inputs[0]->dtype, fused.skip_scale, fused.skip_zero_point)) continue;
      if (first) std::swap(x, skip);
      skip = dequantize->inputs[0];
      fused.skip_quantized = true;
      break;
    }
  }
  const bool sum_is_wanted = add != nullptr && (sum->graph_outputs > 0 || sum->consumers.size() > 1);
  Value* last = quantize != nullptr ? quantize->outputs[0] : y;
  auto replacement = [&](const Value* of) {
    Value* value = graph.add_value(of->name);
    value->dtype = of->dtype;
    value->shape = of->shape;
    return value;
  };
  std::vector<Value*> outputs = {replacement(last)};
  if (sum_is_wanted) outputs.push_back(replacement(sum));
  Value* scale = norm.inputs[1];
  std::vector<Value*> inputs = {x, scale, norm.input(2), skip};
  while (inputs.back() == nullptr) inputs.pop_back();
  // Where the addition stood: the sum's other readers come behind it.
  Node* node = graph.add_node(*find_operator("octet", "FusedNormalization", 1), std::move(inputs), std::move(outputs), add != nullptr ? add : &norm);
  node->version = 1;
  node->name = norm.name;
  ops::set_attributes(fused, node->attributes);
  graph.replace_uses(last, node->outputs[0]);
  if (quantize != nullptr) graph.remove_node(quantize);
  graph.remove_node(&norm);
  if (add != nullptr) {
    if (sum_is_wanted) graph.replace_uses(sum, node->outputs[1]);
    graph.remove_node(add);
  }
  return true;
}

}  // namespace

int fuse_normalization(Graph& graph, const PassOptions&) {
  std::vector<Node*> found;
  for (Node& node : graph.nodes())
    if (is_normalization(node)) found.push_back(&node);
  int fused = 0;
  for (Node* node : found) fused += fuse(graph, *node);
  if (fused > 0) graph.remove_dead();
  return fused;
}

}  // namespace octet
