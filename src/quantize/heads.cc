#include "quantize/heads.h"

#include <set>

#include "graph/operator.h"
#include "ops/moves.h"

namespace octet {

namespace {

// The node that made the numbers which a value holds, whatever has moved or clamped them since; null: an input or a constant.
const Node* maker_of(const Value* value) {
  while (value != nullptr && value->producer != nullptr) {
    const Node* node = value->producer;
    bool moves = (ops::moves_values(*node) && node->op->scalar_function == nullptr && node->op->name != "MaxPool") || node->op->name == "Clip";
    if (!moves) return node;
    value = node->input(0);
  }
  return nullptr;
}

// Results per position, and operands of each, of a layer with constant weights; 0: not known.
struct Extent { int64_t inputs = 0, outputs = 0; };
Extent extent_of(const Node& node) {
  const Value* weights = node.input(1);
  if (weights == nullptr || !weights->is_constant() || !weights->shape) return {};
  const Shape& shape = *weights->shape;
  std::string_view op = node.op->name;
  if (op == "MatMul" && shape.rank() == 1) return {shape[0], 1};
  if (op == "MatMul" && shape.rank() == 2) return {shape[0], shape[1]};
  if (op == "Gemm" && shape.rank() == 2) return node.attributes.integer("transB", 0) != 0 ? Extent{shape[1], shape[0]} : Extent{shape[0], shape[1]};
  if (op == "Conv" && shape.rank() >= 3 && node.attributes.integer("group", 1) == 1 && shape.elements(2, shape.rank()) == 1) return {shape[1], shape[0]};
  return {};
}

}  // namespace

std::string head_reason(const Node& node) {
  if (!node.op->domain.empty() || node.input(0) == nullptr) return {};
  Extent extent = extent_of(node);
  if (extent.inputs == 0) return {};
  const Node* maker = maker_of(node.inputs[0]);
  if (maker == nullptr || !maker->op->domain.empty()) return {};
  if (extent.outputs == 1 && maker->op->name == "Softmax") return "it decodes distances: the mean of a distribution";
  bool matrix = node.op->name == "MatMul" || node.op->name == "Gemm";
  if (matrix && (extent.inputs == 2 || extent.inputs == 4) && maker->op->name == "Sigmoid") return "it reads coordinates: 256 steps are coarser than a pixel";
  return {};
}

std::vector<std::string> output_joins(const Graph& graph) {
  // Values that some layer depends on.
  std::set<const Value*> read;
  for (auto it = graph.nodes().rbegin(); it != graph.nodes().rend(); ++it) {
    bool wanted = it->op->quantizable;
    for (const Value* value : it->outputs) wanted |= value != nullptr && read.count(value) > 0;
    if (!wanted) continue;
    for (const Value* value : it->inputs)
      if (value != nullptr) read.insert(value);
  }
  std::set<const Value*> made;   // by layers
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    bool from_layers = node.op->quantizable;
    int parts = 0;
    for (const Value* value : node.inputs)
      if (value != nullptr && made.count(value)) {
        from_layers = true;
        ++parts;
      }
    if (!from_layers) continue;
    for (const Value* value : node.outputs)
      if (value != nullptr) made.insert(value);
    bool joins = node.op->domain.empty() && node.op->name == "Concat" && parts > 1 && node.output(0)->dtype == DType::kFloat32;
    if (joins && !read.count(node.output(0))) names.push_back(node.name.empty() ? node.outputs[0]->name : node.name);
  }
  return names;
}

}  // namespace octet
