// An If whose condition is a constant becomes the nodes of its branch.
#include <unordered_map>

#include "base/error.h"
#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

void inline_branch(Graph& graph, Node& node, const Graph& branch) {
  std::unordered_map<const Value*, Value*> twin;
  twin[nullptr] = nullptr;
  for (const Capture& capture : branch.captures) twin[capture.inner] = node.captures[capture.index];
  auto copy_of = [&](const Value* value) {
    auto [entry, fresh] = twin.try_emplace(value, nullptr);
    if (fresh && value != nullptr) {
      Value* copy = graph.add_value(value->name);
      copy->dtype = value->dtype;
      copy->shape = value->shape;
      if (value->is_constant()) copy->set_constant(value->raw_constant());
      entry->second = copy;
    }
    return entry->second;
  };
  for (const Node& inner : branch.nodes()) {
    std::vector<Value*> inputs, outputs;
    for (const Value* value : inner.inputs) inputs.push_back(copy_of(value));
    for (const Value* value : inner.outputs) outputs.push_back(copy_of(value));
    Node* copy = graph.add_node(*inner.op, std::move(inputs), std::move(outputs), &node);
    copy->name = inner.name;
    copy->version = inner.version;
    copy->attributes = inner.attributes;
    for (const Value* value : inner.captures) graph.add_capture(copy, copy_of(value));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == nullptr) continue;
    Value* result = copy_of(branch.outputs[i]);
    // A graph output that is somebody else's value needs a node of its own.
    if (node.outputs[i]->graph_outputs > 0 && (result->is_input || result->is_constant() || result->graph_outputs > 0))
      result = graph.add_node("", "Identity", {result}, node.outputs[i]->name, &node)->outputs[0];
    graph.replace_uses(node.outputs[i], result);
  }
  graph.remove_node(&node);
}

}  // namespace

int inline_conditions(Graph& graph, const PassOptions& options) {
  int inlined = 0;
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node& node = *it++;
    if (node.op->name != "If" || !node.op->domain.empty()) continue;
    const Value* condition = node.input(0);
    if (condition == nullptr || !condition->is_constant() || condition->constant().elements() != 1) continue;
    bool taken = condition->constant().data<bool>()[0];
    std::shared_ptr<Graph> branch = node.attributes.graph(taken ? "then_branch" : "else_branch");
    inline_branch(graph, node, *branch);
    ++inlined;
  }
  // What the branch computes is known better now that it stands in the open.
  if (inlined > 0) fold_constants(graph, options);
  return inlined;
}

}  // namespace octet
