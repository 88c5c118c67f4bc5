// Convolutions and Gemm followed by Relu or Clip clamp their result themselves.
#include <cmath>
#include <limits>

#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

struct Clamp { float low, high; };

std::optional<float> scalar(const Node& node, size_t i, const char* attribute, float fallback) {
  const Value* value = node.input(i);
  if (value == nullptr) return node.attributes.real(attribute, fallback);
  if (!value->is_constant() || value->dtype != DType::kFloat32 || value->constant().elements() != 1) return std::nullopt;
  return value->constant().data<float>()[0];
}

std::optional<Clamp> clamp_of(const Node& node) {
  if (!node.op->domain.empty()) return std::nullopt;
  constexpr float kMost = std::numeric_limits<float>::max();
  if (node.op->name == "Relu") return Clamp{0, std::numeric_limits<float>::infinity()};
  if (node.op->name != "Clip") return std::nullopt;
  auto low = scalar(node, 1, "min", -kMost), high = scalar(node, 2, "max", kMost);
  if (!low || !high) return std::nullopt;
  return Clamp{*low, *high};
}

bool can_clamp(const Node& node) {
  if (node.op->name == "ConvIntegerToFloat") return node.attributes.string("activation", "").empty();
  if (node.op->name == "Conv") return node.op->domain.empty() && node.outputs[0]->dtype == DType::kFloat32;
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
    Node* together = graph.add_node(integer ? "octet" : "com.microsoft", integer ? "ConvIntegerToFloat" : "FusedConv", node.inputs, node.outputs[0]->name, &node);
    together->name = node.name;
    together->attributes = node.attributes;
    together->attributes.set("activation", std::string("Clip"));
    together->attributes.set("activation_params", std::vector<float>{clamp->low, clamp->high});
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
