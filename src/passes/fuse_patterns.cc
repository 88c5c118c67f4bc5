// Functions that exporters write out in small operators are recognised and become one operator again:
//
//   SiLU           x · Sigmoid(x)                                → com.microsoft.QuickGelu, alpha 1
//   HardSwish      x · HardSigmoid(x), x · Clip(x + 3, 0, 6) / 6  → HardSwish
//   GELU           x · (1 + Erf(x / √2)) · ½, in any order         → Gelu
//   LayerNorm      (x − mean) / √(var + ε) · γ + β                → LayerNormalization
#include <cmath>

#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

bool is(const Node* node, std::string_view name) { return node != nullptr && node->op->domain.empty() && node->op->name == name; }

// The producer of a value that nobody else uses.
Node* sole_producer(const Value* value, std::string_view name) {
  if (value == nullptr || value->graph_outputs > 0 || value->consumers.size() != 1) return nullptr;
  return is(value->producer, name) ? value->producer : nullptr;
}

bool is_scalar(const Value* value, double wanted, double tolerance = 1e-4) {
  if (value == nullptr || !value->is_constant() || value->dtype != DType::kFloat32) return false;
  return value->shape->elements() == 1 && std::abs(value->constant().data<float>()[0] - wanted) <= tolerance * std::abs(wanted);
}

// For a commutative node: the other operand, when one of them is `wanted`.
Value* other_operand(const Node& node, const Value* wanted) {
  if (node.inputs.size() != 2) return nullptr;
  if (node.inputs[0] == wanted) return node.inputs[1];
  return node.inputs[1] == wanted ? node.inputs[0] : nullptr;
}

// For a commutative node with a constant scalar operand: the other operand.
Value* beside_scalar(const Node& node, double wanted) {
  for (size_t i = 0; i < 2 && node.inputs.size() == 2; ++i)
    if (is_scalar(node.inputs[i], wanted)) return node.inputs[1 - i];
  return nullptr;
}

Node* replace(Graph& graph, Node& last, std::string_view domain, std::string_view op, std::vector<Value*> inputs) {
  const OperatorDef* definition = find_operator(domain, op, kNewestOpset);
  Value* result = graph.add_value(last.outputs[0]->name);
  result->dtype = last.outputs[0]->dtype;
  result->shape = last.outputs[0]->shape;
  Node* node = graph.add_node(*definition, std::move(inputs), {result}, &last);
  node->version = domain.empty() ? kNewestOpset : 1;
  node->name = last.name;
  graph.replace_uses(last.outputs[0], result);
  graph.remove_node(&last);
  return node;
}

bool fuse_silu(Graph& graph, Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    Node* sigmoid = sole_producer(mul.inputs[i], "Sigmoid");
    if (sigmoid == nullptr || sigmoid->inputs[0] != mul.inputs[1 - i]) continue;
    replace(graph, mul, "com.microsoft", "QuickGelu", {sigmoid->inputs[0]})->attributes.set("alpha", 1.0f);
    return true;
  }
  return false;
}

bool fuse_hard_swish(Graph& graph, Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    Value* x = mul.inputs[1 - i];
    if (Node* gate = sole_producer(mul.inputs[i], "HardSigmoid"); gate != nullptr && gate->inputs[0] == x) {
      if (std::abs(gate->attributes.real("alpha", 0.2f) - 1.0f / 6) > 1e-5 || gate->attributes.real("beta", 0.5f) != 0.5f) continue;
      replace(graph, mul, "", "HardSwish", {x});
      return true;
    }
    // x · Clip(x + 3, 0, 6), then / 6 (or · 1/6)
    Node* clip = sole_producer(mul.inputs[i], "Clip");
    if (clip == nullptr) continue;
    bool bounds = clip->inputs.size() >= 3 ? clip->inputs[1] != nullptr && clip->inputs[1]->is_constant() && clip->inputs[1]->dtype == DType::kFloat32 &&
                                                 clip->inputs[1]->constant().elements() == 1 && clip->inputs[1]->constant().data<float>()[0] == 0 &&
                                                 is_scalar(clip->inputs[2], 6)
                                           : clip->attributes.real("min", -1) == 0 && clip->attributes.real("max", -1) == 6;
    Node* add = sole_producer(clip->inputs[0], "Add");
    if (!bounds || add == nullptr || beside_scalar(*add, 3) != x) continue;
    Value* product = mul.outputs[0];
    if (product->consumers.size() != 1 || product->graph_outputs > 0) continue;
    Node* scale = product->consumers[0];
    bool sixth = (is(scale, "Div") && scale->inputs[0] == product && is_scalar(scale->inputs[1], 6)) ||
                 (is(scale, "Mul") && beside_scalar(*scale, 1.0 / 6) == product);
    if (!sixth) continue;
    replace(graph, *scale, "", "HardSwish", {x});
    return true;
  }
  return false;
}

// Erf(x / √2) or Erf(x · 1/√2): x.
Value* erf_argument(const Value* value) {
  Node* erf = sole_producer(value, "Erf");
  if (erf == nullptr) return nullptr;
  if (Node* div = sole_producer(erf->inputs[0], "Div"); div != nullptr && is_scalar(div->inputs[1], std::sqrt(2.0))) return div->inputs[0];
  if (Node* mul = sole_producer(erf->inputs[0], "Mul"); mul != nullptr) return beside_scalar(*mul, std::sqrt(0.5));
  return nullptr;
}

bool fuse_gelu(Graph& graph, Node& add) {
  Value* erf = beside_scalar(add, 1);
  Value* x = erf != nullptr ? erf_argument(erf) : nullptr;
  Value* sum = add.outputs[0];
  if (x == nullptr || sum->consumers.size() != 1 || sum->graph_outputs > 0) return false;
  Node* first = sum->consumers[0];
  if (!is(first, "Mul")) return false;
  Value* factor = other_operand(*first, sum);
  // (x · ½) · (1 + erf)
  if (Node* half = sole_producer(factor, "Mul"); half != nullptr && beside_scalar(*half, 0.5) == x) {
    replace(graph, *first, "", "Gelu", {x});
    return true;
  }
  Value* product = first->outputs[0];
  if (product->consumers.size() != 1 || product->graph_outputs > 0 || !is(product->consumers[0], "Mul")) return false;
  Node* second = product->consumers[0];
  bool x_then_half = factor == x && beside_scalar(*second, 0.5) == product;
  bool half_then_x = is_scalar(factor, 0.5) && other_operand(*second, product) == x;
  if (!x_then_half && !half_then_x) return false;
  replace(graph, *second, "", "Gelu", {x});
  return true;
}

// The axes of a ReduceMean, when they are the last one alone.
bool reduces_last_axis(const Node& reduce) {
  if (reduce.attributes.integer("keepdims", 1) != 1 || !reduce.inputs[0]->shape) return false;
  std::vector<int64_t> axes;
  if (const Value* input = reduce.input(1)) {
    if (!input->is_constant() || input->dtype != DType::kInt64) return false;
    auto values = input->constant().values<int64_t>();
    axes.assign(values.begin(), values.end());
  } else {
    auto values = reduce.attributes.integers("axes");
    axes.assign(values.begin(), values.end());
  }
  return axes.size() == 1 && (axes[0] == -1 || axes[0] == reduce.inputs[0]->shape->rank() - 1);
}

bool is_vector_of_last_axis(const Value* value, const Shape& x) {
  return value != nullptr && value->is_constant() && value->dtype == DType::kFloat32 && value->constant().shape().rank() == 1 &&
         value->constant().shape()[0] == x[x.rank() - 1];
}

// Starts at the Sub: d = x − ReduceMean(x); then Pow(d, 2) or d·d → ReduceMean → Add ε → Sqrt; d / √ → [Mul γ → [Add β]].
bool fuse_layer_norm(Graph& graph, Node& sub) {
  Value* x = sub.inputs[0];
  Node* mean = is(sub.inputs[1]->producer, "ReduceMean") ? sub.inputs[1]->producer : nullptr;
  if (mean == nullptr || mean->inputs[0] != x || !reduces_last_axis(*mean) || x->dtype != DType::kFloat32 || !x->shape) return false;
  Value* d = sub.outputs[0];
  Node* divide = nullptr;
  for (Node* consumer : d->consumers)
    if (is(consumer, "Div") && consumer->inputs[0] == d) divide = consumer;
  if (divide == nullptr || d->graph_outputs > 0) return false;
  Node* root = sole_producer(divide->inputs[1], "Sqrt");
  Node* add = root != nullptr ? sole_producer(root->inputs[0], "Add") : nullptr;
  if (add == nullptr) return false;
  const Value* epsilon = nullptr;
  Node* variance = nullptr;
  for (size_t i = 0; i < 2; ++i)
    if (add->inputs[i]->is_constant() && add->inputs[i]->dtype == DType::kFloat32 && add->inputs[i]->constant().elements() == 1) {
      epsilon = add->inputs[i];
      variance = sole_producer(add->inputs[1 - i], "ReduceMean");
    }
  if (variance == nullptr || !reduces_last_axis(*variance)) return false;
  Node* square = variance->inputs[0]->producer;
  bool squares_d = (is(square, "Pow") && square->inputs[0] == d && is_scalar(square->inputs[1], 2)) ||
                   (is(square, "Mul") && square->inputs[0] == d && square->inputs[1] == d);
  if (!squares_d) return false;
  Node* last = divide;
  Value *scale = nullptr, *bias = nullptr;
  auto follow = [&](std::string_view name) -> Value* {
    Value* value = last->outputs[0];
    if (value->consumers.size() != 1 || value->graph_outputs > 0 || !is(value->consumers[0], name)) return nullptr;
    Value* operand = other_operand(*value->consumers[0], value);
    if (!is_vector_of_last_axis(operand, *x->shape)) return nullptr;
    last = value->consumers[0];
    return operand;
  };
  scale = follow("Mul");
  if (scale == nullptr) return false;
  bias = follow("Add");
  std::vector<Value*> inputs = {x, scale};
  if (bias != nullptr) inputs.push_back(bias);
  float eps = epsilon->constant().data<float>()[0];
  Node* norm = replace(graph, *last, "", "LayerNormalization", std::move(inputs));
  norm->attributes.set("axis", int64_t{-1});
  norm->attributes.set("epsilon", eps);
  return true;
}

}  // namespace

int fuse_patterns(Graph& graph, const PassOptions&) {
  int fused = 0;
  // A rewrite may make another one possible in front of it, seldom: sweep until nothing changes.
  for (int before = -1; before != fused;) {
    before = fused;
    auto& nodes = graph.nodes();
    for (auto it = nodes.begin(); it != nodes.end();) {
      // Rewrites remove nodes from the one in hand on: remember a place that stays. What they leave unused goes at the end.
      auto previous = it == nodes.begin() ? nodes.end() : std::prev(it);
      Node& node = *it;
      bool done = false;
      if (!node.outputs.empty() && node.outputs[0] != nullptr && node.outputs[0]->dtype == DType::kFloat32 && node.outputs[0]->is_used()) {
        if (is(&node, "Mul")) done = fuse_silu(graph, node) || fuse_hard_swish(graph, node);
        else if (is(&node, "Add")) done = fuse_gelu(graph, node);
        else if (is(&node, "Sub")) done = fuse_layer_norm(graph, node);
      }
      fused += done;
      it = !done ? std::next(it) : previous == nodes.end() ? nodes.begin() : std::next(previous);
    }
    if (before != fused) graph.remove_dead();
  }
  return fused;
}

}  // namespace octet
