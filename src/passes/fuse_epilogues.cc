// What stands behind an integer product moves into its epilogue, where the sums are still in registers:
//
//   y = QLinearAdd(product, b)                    the skip connection of a residual block
//   y = QuantizeLinear(function(product))         an activation that has no 8-bit grid of its own before it
//
// The same formulas in the same order: no byte changes.
#include "passes/fuse_epilogues.h"

#include "graph/operator.h"
#include "ops/epilogues.h"

namespace octet {

namespace {

// The one node that reads `value`, as its input 0 unless `any` input will do; or null.
Node* sole_reader(const Value* value, bool any = false) {
  if (value == nullptr || value->graph_outputs > 0 || value->consumers.size() != 1) return nullptr;
  Node* reader = value->consumers[0];
  return any || reader->input(0) == value ? reader : nullptr;
}

bool is_one_constant(const Value* value) { return value != nullptr && value->is_constant() && value->constant().elements() == 1; }

// The product's inputs, all of them, and `more`; its attributes; in the place of `last`, whose result it makes.
Node* replace(Graph& graph, Node& product, std::string_view name, std::vector<Value*> more, Node& last) {
  const OperatorDef& op = *find_operator("octet", name, 1);
  std::vector<Value*> inputs = product.inputs;
  inputs.resize(static_cast<size_t>(product.op->max_inputs), nullptr);
  inputs.insert(inputs.end(), more.begin(), more.end());
  Value* result = graph.add_value(last.outputs[0]->name);
  result->dtype = last.outputs[0]->dtype;
  result->shape = last.outputs[0]->shape;
  Node* together = graph.add_node(op, std::move(inputs), {result}, &last);
  together->version = 1;
  together->name = product.name;
  together->attributes = product.attributes;
  graph.replace_uses(last.outputs[0], result);
  graph.remove_node(&last);
  return together;
}

bool same_zero_point(const Value* a, const Value* b) {
  return is_one_constant(a) && is_one_constant(b) && a->dtype == b->dtype &&
         *static_cast<const uint8_t*>(a->constant().raw()) == *static_cast<const uint8_t*>(b->constant().raw());
}

// A QLinearAdd of two tensors of one shape, one of them a product's that nobody else reads: the later one, which finds the other
// one made and still in the cache.
bool fuse_residual(Graph& graph, Node& add, const std::map<const Node*, size_t>& position) {
  if (add.inputs.size() != 8) return false;
  for (size_t i : {1, 2, 4, 5, 6, 7})
    if (!is_one_constant(add.inputs[i])) return false;
  if (!add.inputs[0]->has_concrete_shape() || add.inputs[0]->shape != add.inputs[3]->shape || add.inputs[0] == add.inputs[3]) return false;
  size_t own = 0;
  Node* product = nullptr;
  for (size_t i : {0, 3}) {
    Value* value = add.inputs[i];
    Node* node = value->producer;
    if (node == nullptr || sole_reader(value, true) != &add || ops::with_residual(*node).empty()) continue;
    // The product's own grid must be the one that the addition reads it on.
    if (node->inputs.size() < 8 || !is_one_constant(node->inputs[6]) || !same_zero_point(node->inputs[7], add.inputs[i + 2])) continue;
    if (node->inputs[6]->constant().data<float>()[0] != add.inputs[i + 1]->constant().data<float>()[0]) continue;
    if (product != nullptr && position.at(node) < position.at(product)) continue;
    product = node;
    own = i;
  }
  if (product == nullptr) return false;
  const size_t other = 3 - own;
  Attributes clamps = add.attributes;
  Node* together = replace(graph, *product, ops::with_residual(*product),
                           {add.inputs[other], add.inputs[other + 1], add.inputs[other + 2], add.inputs[6], add.inputs[7]}, add);
  for (const char* name : {"clamp_min", "clamp_max"}) {
    if (together->attributes.has(name)) together->attributes.set(std::string("own_") + name, together->attributes.integer(name));
    together->attributes.erase(name);
    if (clamps.has(name)) together->attributes.set(name, clamps.integer(name));
  }
  graph.remove_node(product);
  return true;
}

bool fuse_function(Graph& graph, Node& product) {
  std::string_view name = ops::with_function(product);
  Node* function = name.empty() ? nullptr : sole_reader(product.outputs[0]);
  if (function == nullptr || product.outputs[0]->dtype != DType::kFloat32) return false;
  std::optional<ops::ScalarKernel> kernel = ops::scalar_kernel(*function);
  Node* quantize = sole_reader(function->outputs[0]);
  if (!kernel || quantize == nullptr || !quantize->op->quantizes || quantize->attributes.integer("block_size", 0) != 0) return false;
  Value *scale = quantize->input(1), *zero = quantize->input(2);
  if (!is_one_constant(scale) || scale->dtype != DType::kFloat32 || (zero != nullptr && !is_one_constant(zero))) return false;
  DType dtype = quantize->outputs[0]->dtype;
  if (dtype != DType::kUInt8 && dtype != DType::kInt8) return false;
  if (zero == nullptr) {
    Tensor none(dtype, Shape{});
    *static_cast<uint8_t*>(none.raw()) = 0;
    zero = graph.add_constant("zero_point", none);
  }
  Node* together = replace(graph, product, name, {scale, zero}, *quantize);
  together->attributes.set("function", int64_t{kernel->function});
  together->attributes.set("alpha", kernel->alpha);
  together->attributes.set("beta", kernel->beta);
  graph.remove_node(function);
  graph.remove_node(&product);
  return true;
}

}  // namespace

int fuse_epilogues(Graph& graph, const PassOptions&) {
  int fused = 0;
  std::vector<Node*> additions, products;   // no fusion removes another one's
  std::map<const Node*, size_t> position;
  for (Node& node : graph.nodes()) {
    position.emplace(&node, position.size());
    if (node.op->name == "QLinearAdd" && node.op->domain == "com.microsoft") additions.push_back(&node);
    if (!ops::with_function(node).empty()) products.push_back(&node);
  }
  for (Node* node : additions) fused += fuse_residual(graph, *node, position);
  for (Node* node : products) fused += fuse_function(graph, *node);
  return fused;
}

}  // namespace octet
