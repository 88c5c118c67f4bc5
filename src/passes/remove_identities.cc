// Drops nodes that hand their input on: views that do not change the shape (Identity, Dropout, Reshape to the same shape).
#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

int remove_identities(Graph& graph, const PassOptions&) {
  std::vector<Node*> found;
  for (Node& node : graph.nodes()) {
    if (!node.op->view || node.op->domain == "octet") continue;
    const Value* in = node.input(0);
    const Value* out = node.output(0);
    if (in == nullptr || out == nullptr || in->dtype != out->dtype) continue;
    bool same = in->has_concrete_shape() ? out->shape == in->shape : node.op->max_inputs == 1 && node.op->name == "Identity";
    bool others_unused = true;
    for (size_t i = 1; i < node.outputs.size(); ++i) others_unused &= node.outputs[i] == nullptr || !node.outputs[i]->is_used();
    // A graph output needs a value of its own when its source is an input, a constant, or an output already.
    bool output_needs_node = out->graph_outputs > 0 && (in->is_input || in->is_constant() || in->graph_outputs > 0);
    if (same && others_unused && !output_needs_node) found.push_back(&node);
  }
  for (Node* node : found) {
    graph.replace_uses(node->outputs[0], node->inputs[0]);
    graph.remove_node(node);
  }
  return static_cast<int>(found.size());
}

}  // namespace octet
