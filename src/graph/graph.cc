#include "graph/graph.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <unordered_map>

#include "base/error.h"
#include "graph/operator.h"

namespace octet {

const Tensor& Value::constant() const {
  // Written only when it must move: steps that share an aligned constant are bound from several threads at once.
  if (!constant_.is_aligned()) constant_ = constant_.clone();
  return constant_;
}

void Value::set_constant(Tensor tensor) {
  dtype = tensor.dtype();
  shape = tensor.shape();
  constant_ = std::move(tensor);
}

std::string Node::label() const {
  std::string label = name;
  if (label.empty()) {
    for (const Value* output : outputs)
      if (output != nullptr) {
        label = output->name;
        break;
      }
  }
  return text(label, " (", op->name, ")");
}

std::string Graph::unique_name(std::string_view hint) {
  auto [entry, fresh] = names_.try_emplace(std::string(hint), 0);
  if (fresh && !hint.empty()) return std::string(hint);
  for (;;) {
    std::string candidate = text(hint.empty() ? "value" : hint, "_", ++entry->second);
    if (names_.try_emplace(candidate, 0).second) return candidate;
  }
}

Value* Graph::find_value(std::string_view wanted) {
  for (Value& value : values_)
    if (value.name == wanted && (value.is_used() || value.producer != nullptr || value.is_input)) return &value;
  for (Value& value : values_)
    if (value.name == wanted) return &value;
  return nullptr;
}

const Value* Graph::find_value(std::string_view wanted) const { return const_cast<Graph*>(this)->find_value(wanted); }

Value* Graph::add_value(std::string_view name_hint) {
  Value& value = values_.emplace_back();
  value.name = unique_name(name_hint);
  return &value;
}

Value* Graph::add_input(std::string_view input_name, DType dtype, std::optional<Shape> shape) {
  Value* value = add_value(input_name);
  value->dtype = dtype;
  value->shape = std::move(shape);
  value->is_input = true;
  inputs.push_back(value);
  return value;
}

Value* Graph::add_constant(std::string_view name_hint, Tensor tensor) {
  Value* value = add_value(name_hint);
  value->set_constant(std::move(tensor));
  return value;
}

void Graph::add_output(Value* value) {
  outputs.push_back(value);
  ++value->graph_outputs;
}

void Graph::replace_output(size_t index, Value* value) {
  --outputs[index]->graph_outputs;
  outputs[index] = value;
  ++value->graph_outputs;
}

Node* Graph::add_node(const OperatorDef& op, std::vector<Value*> node_inputs, std::vector<Value*> node_outputs, Node* before) {
  auto position = nodes_.emplace(before != nullptr ? before->position : nodes_.end());
  Node& node = *position;
  node.position = position;
  node.op = &op;
  node.inputs = std::move(node_inputs);
  node.outputs = std::move(node_outputs);
  auto domain = opsets.find(op.domain);
  node.version = domain != opsets.end() ? domain->second : op.since_version;
  for (Value* value : node.inputs)
    if (value != nullptr) value->consumers.push_back(&node);
  for (Value* value : node.outputs)
    if (value != nullptr) value->producer = &node;
  return &node;
}

Node* Graph::add_node(std::string_view domain, std::string_view op, std::vector<Value*> node_inputs, std::string_view name_hint,
                      Node* before, size_t output_count) {
  auto import = opsets.find(domain);
  int version = import != opsets.end() ? import->second : (domain.empty() ? kNewestOpset : 1);
  const OperatorDef* definition = find_operator(domain, op, version);
  require(definition != nullptr, ErrorCode::kUnsupported, "operator ", domain, "::", op, " is not known at version ", version);
  std::vector<Value*> node_outputs;
  for (size_t i = 0; i < output_count; ++i) node_outputs.push_back(add_value(name_hint));
  Node* node = add_node(*definition, std::move(node_inputs), std::move(node_outputs), before);
  node->name = node->outputs[0]->name;
  node->version = version;
  return node;
}

namespace {

void drop_consumer(Value* value, const Node* node) {
  auto it = std::find(value->consumers.begin(), value->consumers.end(), node);
  if (it != value->consumers.end()) value->consumers.erase(it);
}

}  // namespace

void Graph::remove_node(Node* node) {
  for (Value* value : node->inputs)
    if (value != nullptr) drop_consumer(value, node);
  for (Value* value : node->captures) drop_consumer(value, node);
  for (Value* value : node->outputs)
    if (value != nullptr && value->producer == node) value->producer = nullptr;
  nodes_.erase(node->position);
}

void Graph::set_input(Node* node, size_t index, Value* value) {
  if (index >= node->inputs.size()) node->inputs.resize(index + 1, nullptr);
  if (Value* old = node->inputs[index]) drop_consumer(old, node);
  node->inputs[index] = value;
  if (value != nullptr) value->consumers.push_back(node);
}

void Graph::set_output(Node* node, size_t index, Value* value) {
  if (index >= node->outputs.size()) node->outputs.resize(index + 1, nullptr);
  if (Value* old = node->outputs[index]) old->producer = nullptr;
  node->outputs[index] = value;
  if (value != nullptr) value->producer = node;
}

size_t Graph::add_capture(Node* node, Value* value) {
  for (size_t i = 0; i < node->captures.size(); ++i)
    if (node->captures[i] == value) return i;
  node->captures.push_back(value);
  value->consumers.push_back(node);
  return node->captures.size() - 1;
}

void Graph::replace_capture(Node* node, size_t index, Value* value) {
  drop_consumer(node->captures[index], node);
  node->captures[index] = value;
  value->consumers.push_back(node);
}

void Graph::replace_uses(Value* from, Value* to) {
  if (from == to) return;
  for (Node* consumer : from->consumers) {
    bool replaced = false;
    for (Value*& input : consumer->inputs)
      if (input == from && !replaced) {
        input = to;
        replaced = true;
      }
    for (Value*& capture : consumer->captures)
      if (capture == from && !replaced) {
        capture = to;
        replaced = true;
      }
    to->consumers.push_back(consumer);
  }
  from->consumers.clear();
  if (from->graph_outputs == 0) return;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i] == from) replace_output(i, to);
  // The output keeps its name, unless the value that takes its place has a public name of its own already.
  if (!to->is_input && to->graph_outputs > 0) std::swap(from->name, to->name);
}

int Graph::remove_dead() {
  int removed = 0;
  for (bool again = true; again;) {
    again = false;
    for (auto it = nodes_.end(); it != nodes_.begin();) {
      --it;
      bool used = false;
      for (const Value* value : it->outputs) used |= value != nullptr && value->is_used();
      if (used) continue;
      Node* node = &*it;
      ++it;
      remove_node(node);
      ++removed;
      again = true;
    }
  }
  for (Value& value : values_)
    if (value.is_constant() && !value.is_used() && !value.is_input) value.clear_constant();
  return removed;
}

void Graph::sort() {
  std::unordered_map<const Node*, size_t> waiting;
  std::vector<Node*> ready;
  auto depends = [](const Node& node, auto&& visit) {
    for (const Value* value : node.inputs)
      if (value != nullptr && value->producer != nullptr) visit(value->producer);
    for (const Value* value : node.captures)
      if (value->producer != nullptr) visit(value->producer);
  };
  for (Node& node : nodes_) {
    size_t count = 0;
    depends(node, [&](Node*) { ++count; });
    waiting[&node] = count;
  }
  // Kahn's algorithm, stable: among ready nodes the earlier one goes first.
  std::unordered_map<const Node*, size_t> order;
  size_t index = 0;
  for (Node& node : nodes_) order[&node] = index++;
  auto later = [&](Node* a, Node* b) { return order[a] > order[b]; };
  for (Node& node : nodes_)
    if (waiting[&node] == 0) ready.push_back(&node);
  std::make_heap(ready.begin(), ready.end(), later);
  std::list<Node> sorted;
  while (!ready.empty()) {
    std::pop_heap(ready.begin(), ready.end(), later);
    Node* node = ready.back();
    ready.pop_back();
    sorted.splice(sorted.end(), nodes_, node->position);
    for (const Value* value : node->outputs) {
      if (value == nullptr) continue;
      for (Node* consumer : value->consumers)
        if (--waiting[consumer] == 0) {
          ready.push_back(consumer);
          std::push_heap(ready.begin(), ready.end(), later);
        }
    }
  }
  bool cycle = !nodes_.empty();
  std::string stuck = cycle ? nodes_.front().label() : std::string();
  sorted.splice(sorted.end(), nodes_);
  nodes_.swap(sorted);
  require(!cycle, ErrorCode::kInvalidModel, "the graph has a cycle through node '", stuck, "'");
}

namespace {

// What verify counts of each value: a table of twice as many places as values, probed in order. Every pass and every opened pack verifies.
class Checks {
 public:
  struct Check { const Value* value = nullptr; int uses = 0, outputs = 0; bool known = false; };

  explicit Checks(const std::deque<Value>& values) : places_(std::bit_ceil(2 * values.size() + 1)) {
    for (const Value& value : values) place(&value).value = &value;
  }
  // A check that nobody looks at for values of another graph.
  Check& operator[](const Value* value) {
    Check& found = place(value);
    return found.value == nullptr ? stranger_ = {} : found;
  }

 private:
  Check& place(const Value* value) {
    size_t at = (reinterpret_cast<uintptr_t>(value) >> 4) * 0x9e3779b97f4a7c15u >> 32 & (places_.size() - 1);
    while (places_[at].value != nullptr && places_[at].value != value) at = (at + 1) & (places_.size() - 1);
    return places_[at];
  }

  std::vector<Check> places_;
  Check stranger_;
};

}  // namespace

void Graph::verify() const {
  Checks checks(values_);
  auto is_known = [&](const Value* value) { return checks[value].known; };
  for (const Value* value : inputs) checks[value].known = true;
  for (const Capture& capture : captures) checks[capture.inner].known = true;
  auto broken = [](const Node& node, const auto&... parts) {
    throw Error(ErrorCode::kInvalidModel, text(parts...)).with_node(node.label());
  };
  for (const Node& node : nodes_) {
    int input_count = static_cast<int>(node.inputs.size()), output_count = static_cast<int>(node.outputs.size());
    if (input_count < node.op->min_inputs || input_count > node.op->max_inputs)
      broken(node, "has ", input_count, " inputs, the operator takes ", node.op->min_inputs, " to ", node.op->max_inputs);
    if (output_count < node.op->min_outputs || output_count > node.op->max_outputs)
      broken(node, "has ", output_count, " outputs, the operator gives ", node.op->min_outputs, " to ", node.op->max_outputs);
    for (int i = 0; i < node.op->min_inputs; ++i)
      if (node.inputs[static_cast<size_t>(i)] == nullptr) broken(node, "leaves out input ", i, ", which the operator needs");
    auto use = [&](const Value* value) {
      if (!value->is_constant() && !is_known(value))
        broken(node, "uses '", value->name, "', which nothing before it produces");
      ++checks[value].uses;
    };
    for (const Value* value : node.inputs)
      if (value != nullptr) use(value);
    for (const Value* value : node.captures) use(value);
    for (const Value* value : node.outputs) {
      if (value == nullptr) continue;
      if (value->producer != &node) broken(node, "does not own its output '", value->name, "'");
      if (is_known(value)) broken(node, "produces '", value->name, "' a second time");
      checks[value].known = true;
    }
  }
  for (const Value* value : outputs) {
    require(value->is_constant() || is_known(value), ErrorCode::kInvalidModel, "nothing produces the graph output '", value->name, "'");
    ++checks[value].outputs;
  }
  for (const Value& value : values_) {
    require(static_cast<int>(value.consumers.size()) == checks[&value].uses, ErrorCode::kInvalidModel, "the value '", value.name,
            "' has lost track of its consumers");
    require(value.graph_outputs == checks[&value].outputs, ErrorCode::kInvalidModel, "the value '", value.name,
            "' has lost track of the graph outputs");
  }
}

std::unique_ptr<Graph> Graph::clone() const {
  auto copy = std::make_unique<Graph>();
  copy->name = name;
  copy->opsets = opsets;
  copy->unknown_fields = unknown_fields;
  copy->names_ = names_;
  std::unordered_map<const Value*, Value*> twin;
  twin.reserve(values_.size() + 1);
  twin[nullptr] = nullptr;
  for (const Value& value : values_) {
    Value& other = copy->values_.emplace_back(value);
    other.producer = nullptr;
    other.consumers.clear();
    twin[&value] = &other;
  }
  for (const Node& node : nodes_) {
    Node& other = copy->nodes_.emplace_back(node);
    other.position = std::prev(copy->nodes_.end());
    for (Value*& value : other.inputs) value = twin[value];
    for (Value*& value : other.outputs) value = twin[value];
    for (Value*& value : other.captures) value = twin[value];
    for (Value* value : other.inputs)
      if (value != nullptr) value->consumers.push_back(&other);
    for (Value* value : other.captures) value->consumers.push_back(&other);
    for (Value* value : other.outputs)
      if (value != nullptr) value->producer = &other;
    for (const auto& [key, attribute] : node.attributes)
      if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&attribute))
        other.attributes.set(key, std::shared_ptr<Graph>((*body)->clone()));
  }
  for (const Value* value : inputs) copy->inputs.push_back(twin[value]);
  for (const Value* value : outputs) copy->outputs.push_back(twin[value]);
  for (const Capture& capture : captures) copy->captures.push_back({twin[capture.inner], capture.index});
  return copy;
}

const std::string* Model::find_metadata(std::string_view key) const {
  for (const auto& [name, value] : metadata)
    if (name == key) return &value;
  return nullptr;
}

void Model::set_metadata(std::string_view key, std::string_view value) {
  for (auto& [name, old] : metadata)
    if (name == key) {
      old = value;
      return;
    }
  metadata.emplace_back(std::string(key), std::string(value));
}

Model Model::clone() const {
  Model copy;
  copy.path = path;
  copy.ir_version = ir_version;
  copy.producer_name = producer_name;
  copy.producer_version = producer_version;
  copy.domain = domain;
  copy.doc_string = doc_string;
  copy.model_version = model_version;
  copy.metadata = metadata;
  copy.graph = graph->clone();
  copy.unknown_fields = unknown_fields;
  return copy;
}

}  // namespace octet
