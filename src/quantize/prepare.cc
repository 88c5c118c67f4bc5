#include "quantize/prepare.h"

#include <cmath>

#include "base/error.h"
#include "graph/operator.h"
#include "octet/version.h"
#include "passes/pass.h"
#include "quantize/raise_opset.h"

namespace octet {

namespace {

// Writes one operator out in older ones, in front of it; returns the value that takes the place of its result.
class Expansion {
 public:
  Expansion(Graph& graph, Node& node) : graph_(graph), node_(node) {}

  void run() {
    std::string_view name = node_.op->name;
    Value* x = node_.inputs[0];
    if (name == "QuickGelu") finish(binary("Mul", x, unary("Sigmoid", scaled(x, node_.attributes.real("alpha", 1.702f)))));
    else if (name == "HardSwish") finish(binary("Mul", x, hard_sigmoid(x)));
    else if (name == "Gelu") finish(gelu(x));
    else finish(layer_norm(x));
  }

 private:
  Value* add(std::string_view op, std::vector<Value*> inputs) {
    Node* node = graph_.add_node("", op, std::move(inputs), node_.outputs[0]->name, &node_);
    node->outputs[0]->dtype = DType::kFloat32;
    node->outputs[0]->shape = node->inputs[0]->shape;   // the first one is never the narrower one
    return node->outputs[0];
  }
  Value* unary(std::string_view op, Value* x) { return add(op, {x}); }
  Value* binary(std::string_view op, Value* a, Value* b) { return add(op, {a, b}); }
  Value* constant(float value) { return graph_.add_constant(node_.outputs[0]->name + "_constant", Tensor::scalar(value)); }
  Value* scaled(Value* x, float factor) { return factor == 1 ? x : binary("Mul", x, constant(factor)); }

  Value* hard_sigmoid(Value* x) {
    Value* gate = unary("HardSigmoid", x);
    gate->producer->attributes.set("alpha", 1.0f / 6);
    gate->producer->attributes.set("beta", 0.5f);
    return gate;
  }

  Value* gelu(Value* x) {
    require(node_.attributes.string("approximate", "none") == "none", ErrorCode::kUnsupported, "the tanh form of Gelu needs opset 20");
    Value* erf = unary("Erf", binary("Div", x, constant(std::sqrt(2.0f))));
    return binary("Mul", binary("Mul", x, binary("Add", erf, constant(1))), constant(0.5f));
  }

  Value* mean(Value* x) {
    Value* result = unary("ReduceMean", x);
    result->producer->attributes.set("axes", std::vector<int64_t>{-1});
    if (result->shape && result->shape->rank() > 0) (*result->shape)[result->shape->rank() - 1] = 1;
    return result;
  }

  Value* layer_norm(Value* x) {
    Value* centered = binary("Sub", x, mean(x));
    Value* variance = mean(binary("Mul", centered, centered));
    Value* root = unary("Sqrt", binary("Add", variance, constant(node_.attributes.real("epsilon", 1e-5f))));
    Value* result = binary("Mul", binary("Div", centered, root), node_.inputs[1]);
    return node_.input(2) != nullptr ? binary("Add", result, node_.inputs[2]) : result;
  }

  void finish(Value* result) {
    graph_.replace_uses(node_.outputs[0], result);
    graph_.remove_node(&node_);
  }

  Graph& graph_;
  Node& node_;
};

bool needs_expansion(const Node& node, int opset) {
  if (node.op->domain == "com.microsoft") return node.op->name == "QuickGelu";
  if (!node.op->domain.empty()) return false;
  return (node.op->name == "HardSwish" && opset < 14) || (node.op->name == "Gelu" && opset < 20) ||
         (node.op->name == "LayerNormalization" && opset < 17);
}

int lowest_ir(int opset) {
  // The IR version that was current when the opset came out: older readers that know the opset know it too.
  static constexpr struct { int opset, ir; } kTable[] = {{8, 3}, {9, 4}, {10, 5}, {11, 6}, {14, 7}, {18, 8}, {20, 9}, {22, 10}, {23, 11}};
  for (const auto& row : kTable)
    if (opset <= row.opset) return row.ir;
  return 11;
}

}  // namespace

Model prepare_float(const Model& model, int opset) {
  Model prepared = model.clone();
  run_passes(*prepared.graph, standard_passes(), {});
  raise_opset(*prepared.graph, opset);
  static constexpr Pass patterns[] = {{"fuse-patterns", "", fuse_patterns}, {"remove-dead", "", remove_dead_nodes}};
  run_passes(*prepared.graph, patterns, {});
  return prepared;
}

void finish_model(Model& model) {
  Graph& graph = *model.graph;
  const int opset = graph.opsets[""];
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node& node = *it++;
    if (needs_expansion(node, opset)) Expansion(graph, node).run();
  }
  graph.remove_dead();
  // Operators that fusing brought in are the newest there are; the file says which opset it means.
  for (Node& node : graph.nodes()) {
    if (!node.op->domain.empty() || node.version <= opset) continue;
    if (const OperatorDef* definition = find_operator("", node.op->name, opset)) {
      node.op = definition;
      node.version = opset;
    }
  }
  for (const Node& node : graph.nodes())
    if (node.op->domain == "com.microsoft") graph.opsets.try_emplace("com.microsoft", 1);
  model.ir_version = std::max<int64_t>(model.ir_version >= 4 ? model.ir_version : 4, lowest_ir(opset));
  model.producer_name = "octet";
  model.producer_version = version();
  graph.verify();
}

}  // namespace octet
