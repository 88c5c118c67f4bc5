// Convolutions, Gemm and sums followed by Relu or Clip clamp their result themselves.
#include "graph/operator.h"
#include "passes/clamp.h"
#include "passes/pass.h"

namespace octet {

namespace {

bool can_clamp(const Node& node) {
  if (node.op->name == "ConvIntegerToFloat") return node.attributes.string("activation", "").empty();
  if (node.op->name == "Conv") return node.op->domain.empty() && node.outputs[0]->dtype == DType::kFloat32;
  if (node.op->name == "Add") return node.op->domain.empty() && node.outputs[0]->dtype == DType::kFloat32;
  return node.op->name == "FusedConv" && node.attributes.string("activation", "").empty();
}

}  // namespace

int fuse_activations(Graph& graph, const PassOptions&) {
  int fused = 0;
  for (auto it = graph.nodes().begin(); it != graph.nodes().end();) {
    Node& node = *it++;
    if (node.outputs.size() != 1 || node.outputs[0] == nullptr || !can_clamp(node)) continue;
    Value* out = node.outputs[0];
    if (out->consumers.size() != 1 || out->graph_outputs > 0) continue;
    Node& next = *out->consumers[0];
    auto clamp = clamp_of(next);
    if (!clamp) continue;
    bool integer = node.op->domain == "octet";
    const bool sum = node.op->name == "Add";
    Node* together = sum ? graph.add_node("octet", "ClampedAdd", node.inputs, node.outputs[0]->name, &node)
                         : graph.add_node(integer ? "octet" : "com.microsoft", integer ? "ConvIntegerToFloat" : "FusedConv", node.inputs, node.outputs[0]->name, &node);
    together->name = node.name;
    const float low = static_cast<float>(clamp->low), high = static_cast<float>(clamp->high);
    if (sum) {
      together->attributes.set("low", low);
      together->attributes.set("high", high);
    } else {
      together->attributes = node.attributes;
      together->attributes.set("activation", std::string("Clip"));
      together->attributes.set("activation_params", std::vector<float>{low, high});
    }
    together->outputs[0]->dtype = out->dtype;
    together->outputs[0]->shape = out->shape;
    graph.replace_uses(next.outputs[0], together->outputs[0]);
    if (it != graph.nodes().end() && &*it == &next) ++it;
    graph.remove_node(&next);
    graph.remove_node(&node);
    ++fused;
  }
  return fused;
}

}  // namespace octet
