#include "conformance/walker.h"

#include <map>
#include <unordered_map>

#include "base/error.h"
#include "graph/operator.h"

namespace octet::conformance {

namespace {

using Values = std::unordered_map<const Value*, Tensor>;

std::vector<Tensor> walk_graph(Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> captures);

class WalkContext final : public EvaluateContext {
 public:
  WalkContext(Node& node, std::span<const Tensor* const> inputs, std::vector<Tensor> captures)
      : EvaluateContext(node, inputs, nullptr), results_(node.outputs.size() + 8), captures_(std::move(captures)) {}

  Tensor& output(size_t i, DType dtype, const Shape& shape) override {
    results_.at(i) = Tensor(dtype, shape);
    return results_[i];
  }
  void forward(size_t i, const Tensor& tensor) override { results_.at(i) = tensor; }
  std::span<const Tensor> run_body(std::string_view attribute, std::span<const Tensor> inputs) override {
    Graph& body = *node_.attributes.graph(attribute);
    std::vector<Tensor> captured;
    for (const Capture& capture : body.captures) captured.push_back(captures_.at(capture.index));
    std::vector<Tensor>& outputs = bodies_[std::string(attribute)];
    outputs = walk_graph(body, inputs, captured);
    return outputs;
  }
  const Tensor& result(size_t i) const { return results_[i]; }

 private:
  std::vector<Tensor> results_;
  std::vector<Tensor> captures_;
  std::map<std::string, std::vector<Tensor>> bodies_;
};

void put(Value& value, const Tensor& tensor) {
  value.dtype = tensor.dtype();
  value.shape = tensor.shape();
}

// What inference said about an output, next to what it is.
void check_inferred(const Node& node, size_t i, const Tensor& actual, const char* how) {
  const Value& inferred = *node.outputs[i];
  bool fits = inferred.dtype == actual.dtype();
  if (fits && inferred.shape) {
    fits = inferred.shape->rank() == actual.shape().rank();
    for (int axis = 0; fits && axis < actual.shape().rank(); ++axis)
      fits = (*inferred.shape)[axis] == Shape::kUnknown || (*inferred.shape)[axis] == actual.shape()[axis];
  }
  require(fits, ErrorCode::kShapeMismatch, "inference from ", how, " says that output ", i, " is ", inferred.dtype, " ",
          inferred.shape ? inferred.shape->to_string() : "of unknown rank", ", it is ", actual.dtype(), " ", actual.shape());
}

void infer(Node& node) {
  for (Value* value : node.outputs) {
    if (value == nullptr) continue;
    value->dtype = DType::kUndefined;
    value->shape.reset();
  }
  infer_node(node);
}

void walk_node(Node& node, Values& values) {
  std::vector<const Tensor*> inputs;
  std::vector<Tensor> captures;
  auto find = [&](const Value* value) -> const Tensor& {
    if (value->is_constant()) return value->constant();
    auto found = values.find(value);
    require(found != values.end(), ErrorCode::kInvalidModel, "the value '", value->name, "' is not there");
    return found->second;
  };
  for (const Value* value : node.inputs) inputs.push_back(value == nullptr ? nullptr : &find(value));
  for (const Value* value : node.captures) captures.push_back(find(value));

  WalkContext context(node, inputs, std::move(captures));
  node.op->evaluate(context);

  auto check = [&](const char* how) {
    infer(node);
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i] != nullptr) check_inferred(node, i, context.result(i), how);
  };
  check("shapes");
  std::vector<Value*> lent;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    Value* value = node.inputs[i];
    if (value == nullptr || value->is_constant()) continue;
    value->set_constant(*inputs[i]);
    lent.push_back(value);
  }
  try {
    check("values");
  } catch (...) {
    for (Value* value : lent) value->clear_constant();
    throw;
  }
  for (Value* value : lent) value->clear_constant();

  for (size_t i = 0; i < node.outputs.size(); ++i) {
    Value* value = node.outputs[i];
    if (value == nullptr) continue;
    const Tensor& result = context.result(i);
    require(result.is_defined(), ErrorCode::kInvalidModel, "the evaluation gives no output ", i);
    put(*value, result);
    values.insert_or_assign(value, result);
  }
}

std::vector<Tensor> walk_graph(Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> captures) {
  require(inputs.size() == graph.inputs.size(), ErrorCode::kInvalidArgument, "the graph takes ", graph.inputs.size(), " inputs, not ",
          inputs.size());
  Values values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    put(*graph.inputs[i], inputs[i]);
    values.insert_or_assign(graph.inputs[i], inputs[i]);
  }
  for (size_t i = 0; i < captures.size(); ++i) {
    put(*graph.captures[i].inner, captures[i]);
    values.insert_or_assign(graph.captures[i].inner, captures[i]);
  }
  for (Node& node : graph.nodes()) {
    try {
      walk_node(node, values);
    } catch (const Error& error) {
      throw error.with_node(node.label());
    }
  }
  std::vector<Tensor> outputs;
  for (const Value* value : graph.outputs) outputs.push_back(value->is_constant() ? value->constant() : values.at(value));
  return outputs;
}

}  // namespace

std::vector<Tensor> walk(Graph& graph, std::span<const Tensor> inputs) { return walk_graph(graph, inputs, {}); }

}  // namespace octet::conformance
