// y = Conv(x) + z becomes one FusedConv with a residual operand, where the convolution is the later of the two operands.
#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

bool is_plain_conv(const Node* node) {
  return node != nullptr && node->op->name == "Conv" && node->op->domain.empty() && node->outputs[0]->dtype == DType::kFloat32;
}

}  // namespace

int fuse_residuals(Graph& graph, const PassOptions&) {
  int fused = 0;
  // A convolution may only swallow an addition whose other operand exists by the time the convolution runs.
  std::vector<Node*> order;
  std::map<const Node*, size_t> position;
  for (Node& node : graph.nodes()) {
    position[&node] = order.size();
    order.push_back(&node);
  }
  for (Node* add : order) {
    if (add->op->name != "Add" || !add->op->domain.empty()) continue;
    Node* conv = nullptr;
    Value* other = nullptr;
    for (size_t i = 0; i < 2; ++i) {
      Value* candidate = add->inputs[i];
      Value* rest = add->inputs[1 - i];
      if (!is_plain_conv(candidate->producer) || candidate->consumers.size() != 1 || candidate->graph_outputs > 0) continue;
      if (!candidate->has_concrete_shape() || rest->is_constant() || rest->shape != candidate->shape) continue;
      if (rest->producer != nullptr && position[rest->producer] > position[candidate->producer]) continue;
      conv = candidate->producer;
      other = rest;
      break;
    }
    if (conv == nullptr) continue;
    std::vector<Value*> inputs = conv->inputs;
    inputs.resize(4, nullptr);
    inputs[3] = other;
    Node* together = graph.add_node("com.microsoft", "FusedConv", std::move(inputs), add->outputs[0]->name, conv);
    together->name = conv->name;
    together->attributes = conv->attributes;
    together->outputs[0]->dtype = add->outputs[0]->dtype;
    together->outputs[0]->shape = add->outputs[0]->shape;
    position[together] = position[conv];
    graph.replace_uses(add->outputs[0], together->outputs[0]);
    graph.remove_node(add);
    graph.remove_node(conv);
    ++fused;
  }
  return fused;
}

}  // namespace octet
