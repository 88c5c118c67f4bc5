#include "graph/operator.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <iterator>
#include <tuple>

#include "base/error.h"
#include "graph/packed_memory.h"

namespace octet {

namespace {

auto order_of(const OperatorDef* definition) { return std::tie(definition->name, definition->domain, definition->since_version); }

// The registry by name, domain and version. Made when the first operator is asked for.
std::span<const OperatorDef* const> sorted_operators() {
  static const std::vector<const OperatorDef*> sorted = [] {
    std::vector<const OperatorDef*> all;
    for (OperatorList list : operator_lists())
      for (const OperatorDef& definition : list()) all.push_back(&definition);
    std::sort(all.begin(), all.end(), [](const OperatorDef* a, const OperatorDef* b) { return order_of(a) < order_of(b); });
    return all;
  }();
  return sorted;
}

}  // namespace

const OperatorDef* find_operator(std::string_view domain, std::string_view name, int version) {
  if (domain == "ai.onnx") domain = "";
  auto wanted = std::tie(name, domain, version);
  auto sorted = sorted_operators();
  // The last definition that is not newer than wanted.
  auto behind = std::partition_point(sorted.begin(), sorted.end(), [&](const OperatorDef* definition) { return order_of(definition) <= wanted; });
  if (behind == sorted.begin()) return nullptr;
  const OperatorDef* found = *(behind - 1);
  return found->name == name && found->domain == domain ? found : nullptr;
}

DType InferContext::dtype(size_t i) const {
  require(has_input(i), ErrorCode::kInvalidModel, "input ", i, " is missing");
  return node_.inputs[i]->dtype;
}

const Shape& InferContext::shape(size_t i) const {
  require(has_rank(i), ErrorCode::kInvalidModel, "the shape of input ", i, " is not known");
  return *node_.inputs[i]->shape;
}

const Tensor* InferContext::constant(size_t i) const {
  return has_input(i) && node_.inputs[i]->is_constant() ? &node_.inputs[i]->constant() : nullptr;
}

std::optional<std::vector<int64_t>> InferContext::constant_integers(size_t i) const {
  const Tensor* tensor = constant(i);
  if (tensor == nullptr) return std::nullopt;
  std::vector<int64_t> list;
  if (tensor->dtype() == DType::kInt32) {
    for (int32_t value : tensor->values<int32_t>()) list.push_back(value);
  } else {
    for (int64_t value : tensor->values<int64_t>()) list.push_back(value);
  }
  return list;
}

void InferContext::set_output(size_t i, DType dtype, Shape shape) {
  if (!has_output(i)) return;
  for (int64_t extent : shape)
    require(extent >= Shape::kUnknown, ErrorCode::kShapeMismatch, "output ", i, " would have the impossible shape ", shape);
  node_.outputs[i]->dtype = dtype;
  node_.outputs[i]->shape = std::move(shape);
}

void InferContext::set_output_rank_unknown(size_t i, DType dtype) {
  if (!has_output(i)) return;
  node_.outputs[i]->dtype = dtype;
  node_.outputs[i]->shape.reset();
}

void InferContext::same_as_input(size_t i, size_t j) {
  if (has_rank(j)) set_output(i, dtype(j), shape(j));
  else set_output_rank_unknown(i, dtype(j));
}

std::span<const Tensor> EvaluateContext::run_body(std::string_view attribute, std::span<const Tensor>) {
  fail(ErrorCode::kUnsupported, "the body '", attribute, "' cannot run outside a session");
}

void infer_node(Node& node) {
  try {
    InferContext context(node);
    node.op->infer(context);
  } catch (const Error& error) {
    throw error.with_node(node.label());
  }
}

namespace {

// Gives every output memory of its own.
class OwningContext final : public EvaluateContext {
 public:
  OwningContext(const Node& node, std::span<const Tensor* const> inputs, ThreadPool* pool)
      : EvaluateContext(node, inputs, pool), results_(node.outputs.size()) {}

  Tensor& output(size_t i, DType dtype, const Shape& shape) override {
    if (i >= results_.size()) results_.resize(i + 1);   // never more than the operator's outputs; left-out ones are scratch
    results_[i] = Tensor(dtype, shape);
    return results_[i];
  }
  void forward(size_t i, const Tensor& tensor) override { results_[i] = tensor; }
  std::vector<Tensor> take() { return {std::make_move_iterator(results_.begin()), std::make_move_iterator(results_.end())}; }

 private:
  std::deque<Tensor> results_;   // grows without moving: references to outputs stay valid
};

}  // namespace

std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor* const> inputs, ThreadPool* pool) {
  try {
    OwningContext context(node, inputs, pool);
    node.op->evaluate(context);
    return context.take();
  } catch (const Error& error) {
    throw error.with_node(node.label());
  }
}

Cost node_cost(const Node& node) {
  Cost cost;
  for (const Value* value : node.inputs) {
    if (value == nullptr || !value->has_concrete_shape()) continue;
    int64_t bytes = static_cast<int64_t>(tensor_bytes(value->dtype, value->shape->elements()));
    (value->is_constant() ? cost.weight_bytes : cost.activation_bytes) += bytes;
  }
  bool concrete = true;
  for (const Value* value : node.inputs) concrete &= value == nullptr || value->has_concrete_shape();
  for (const Value* value : node.outputs) {
    if (value == nullptr) continue;
    if (value->has_concrete_shape()) cost.activation_bytes += static_cast<int64_t>(tensor_bytes(value->dtype, value->shape->elements()));
    else concrete = false;
  }
  if (concrete && node.op->macs != nullptr) cost.macs = node.op->macs(node);
  return cost;
}

Tensor BindContext::allocate_packed(size_t bytes) {
  Shape shape{static_cast<int64_t>(bytes)};
  if (memory_ != nullptr) return memory_->allocate(bytes);
  Tensor block(DType::kUInt8, shape);
  if (bytes != 0) std::memset(block.raw(), 0, bytes);
  return block;
}

Tensor BindContext::next_stored(size_t bytes) {
  size_t index = lazy_.size();
  require(index < stored_->size() && (*stored_)[index].bytes() == bytes, ErrorCode::kInvalidModel, "the pack holds ", stored_->size(),
          " blocks for this step, block ", index, " of ", index < stored_->size() ? (*stored_)[index].bytes() : 0, " bytes, where ", bytes,
          " bytes are needed");
  return (*stored_)[index];
}

Shape BindContext::stored(const Value& value) {
  const Shape& logical = *value.shape;
  if (value.layout == Layout::kOnnx || logical.rank() < 3) return logical;
  Shape shape;
  shape.push_back(logical[0]);
  for (int axis = 2; axis < logical.rank(); ++axis) shape.push_back(logical[axis]);
  shape.push_back(logical[1]);
  return shape;
}

}  // namespace octet
