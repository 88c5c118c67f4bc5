// A Slice of a Slice reads the source itself: detectors that fold space into channels (YOLOX's Focus) cut rows, then columns.
#include <algorithm>
#include <optional>

#include "graph/operator.h"
#include "passes/pass.h"
#include "passes/strided_view.h"

namespace octet {

namespace {

// Along each axis the elements start, start + step, ...; as many as the result has.
struct Cuts {
  std::vector<int64_t> starts, steps;
};

// Of a Slice with known ranges that goes forward and leaves something.
std::optional<Cuts> cuts_of(const Node* node) {
  if (node == nullptr || node->op->name != "Slice" || !node->op->domain.empty()) return std::nullopt;
  const Value *x = node->input(0), *y = node->output(0);
  if (x == nullptr || y == nullptr || !x->has_concrete_shape() || !y->has_concrete_shape() || y->shape->elements() == 0) return std::nullopt;
  const auto starts = known_integers(*node, "starts", 1), axes = known_integers(*node, "axes", 3), steps = known_integers(*node, "steps", 4);
  if (!starts || (!axes && node->input(3) != nullptr) || (!steps && node->input(4) != nullptr)) return std::nullopt;
  const auto rank = static_cast<size_t>(x->shape->rank());
  Cuts cuts{std::vector<int64_t>(rank, 0), std::vector<int64_t>(rank, 1)};
  for (size_t i = 0; i < starts->size(); ++i) {
    int64_t axis = axes ? (*axes)[i] : static_cast<int64_t>(i);
    if (axis < 0) axis += static_cast<int64_t>(rank);
    const int64_t extent = (*x->shape)[static_cast<int>(axis)], start = (*starts)[i], step = steps ? (*steps)[i] : 1;
    if (step < 1) return std::nullopt;
    cuts.starts[static_cast<size_t>(axis)] = std::clamp<int64_t>(start < 0 ? start + extent : start, 0, extent);
    cuts.steps[static_cast<size_t>(axis)] = (*y->shape)[static_cast<int>(axis)] > 1 ? step : 1;   // a step beyond the end may be huge
  }
  return cuts;
}

Value* list(Graph& graph, const std::string& name, const std::vector<int64_t>& values) {
  Tensor tensor(DType::kInt64, Shape{static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.values<int64_t>().begin());
  return graph.add_constant(name, std::move(tensor));
}

bool join(Graph& graph, Node& node) {
  const std::optional<Cuts> outer = cuts_of(&node);
  if (!outer) return false;
  const Node* producer = node.inputs[0]->producer;
  const std::optional<Cuts> inner = cuts_of(producer);
  if (!inner) return false;
  std::vector<int64_t> starts, ends, axes, steps;
  for (size_t axis = 0; axis < outer->starts.size(); ++axis) {
    starts.push_back(inner->starts[axis] + outer->starts[axis] * inner->steps[axis]);
    steps.push_back(inner->steps[axis] * outer->steps[axis]);
    ends.push_back(starts.back() + ((*node.outputs[0]->shape)[static_cast<int>(axis)] - 1) * steps.back() + 1);
    axes.push_back(static_cast<int64_t>(axis));
  }
  const std::string& name = node.name;
  Value* result = graph.add_value(node.outputs[0]->name);
  result->dtype = node.outputs[0]->dtype;
  result->shape = node.outputs[0]->shape;
  std::vector<Value*> inputs = {producer->inputs[0], list(graph, name + "_starts", starts), list(graph, name + "_ends", ends),
                                list(graph, name + "_axes", axes), list(graph, name + "_steps", steps)};
  Node* joined = graph.add_node(*find_operator("", "Slice", kNewestOpset), std::move(inputs), {result}, &node);
  joined->version = kNewestOpset;
  joined->name = name;
  graph.replace_uses(node.outputs[0], result);
  graph.remove_node(&node);
  return true;
}

}  // namespace

int join_slices(Graph& graph, const PassOptions&) {
  std::vector<Node*> slices;
  for (Node& node : graph.nodes())
    if (node.op->name == "Slice" && node.op->domain.empty()) slices.push_back(&node);
  int joined = 0;
  for (Node* node : slices) joined += join(graph, *node);   // in order: a third Slice finds the first two joined
  if (joined > 0) graph.remove_dead();
  return joined;
}

}  // namespace octet
