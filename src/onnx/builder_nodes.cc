// GraphBuilder: nodes, their attributes and bodies, and calls of functions.
#include "base/error.h"
#include "graph/operator.h"
#include "onnx/builder.h"

namespace octet::onnx {

namespace {

std::string describe(const NodeMessage& message) {
  std::string_view name = !message.name.empty() ? message.name : message.outputs.empty() ? std::string_view() : message.outputs[0];
  return text(name, " (", message.op_type, ")");
}

}  // namespace

// Counts what inlining multiplies, so that a small file cannot ask for a huge graph.
void GraphBuilder::charge(size_t count) {
  nodes_ += static_cast<int64_t>(count);
  require(nodes_ <= options_.max_nodes, ErrorCode::kResourceLimit, "the model has more nodes than the limit of ", options_.max_nodes);
}

void GraphBuilder::add_nodes(Scope& scope, const std::vector<NodeMessage>& nodes) {
  for (const NodeMessage& message : nodes) {
    charge(1);
    try {
      if (const FunctionMessage* function = find_function(message)) inline_function(scope, message, *function);
      else if (message.domain.empty() && message.op_type == "Constant") add_constant(scope, message);
      else add_node(scope, message);
    } catch (const Error& error) {
      throw error.with_node(describe(message));
    }
  }
}

void GraphBuilder::add_node(Scope& scope, const NodeMessage& message) {
  int version = version_of(message.domain, *scope.opsets);
  const OperatorDef* definition = find_definition(message.domain, message.op_type, version);
  require(definition != nullptr, ErrorCode::kUnsupported, "unsupported: Octet lacks this operator in version ", version);
  std::vector<Value*> inputs, outputs;
  for (std::string_view name : message.inputs) inputs.push_back(resolve_input(scope, name));
  // Optional inputs left out at the end say nothing.
  while (inputs.size() > static_cast<size_t>(definition->min_inputs) && inputs.back() == nullptr) inputs.pop_back();
  for (std::string_view name : message.outputs) outputs.push_back(name.empty() ? nullptr : scope.names.at(name));
  Node* node = scope.graph->add_node(*definition, std::move(inputs), std::move(outputs));
  node->name = scope.prefix.empty() ? std::string(message.name) : text(scope.prefix, message.name);
  node->version = version;
  node->unknown_fields = message.unknown;
  add_attributes(scope, message, *node);
}

// Whether the attribute has a value: a reference to one that the call of the function left out has none.
bool GraphBuilder::resolve_attribute(const Scope& scope, AttributeMessage& attribute) const {
  if (attribute.reference.empty()) return true;
  require(scope.frame != nullptr, ErrorCode::kInvalidModel, "the attribute '", attribute.name, "' refers to '", attribute.reference,
          "' of a function, but stands in none");
  auto found = scope.frame->attributes.find(attribute.reference);
  if (found == scope.frame->attributes.end()) return false;
  std::string_view name = attribute.name;
  attribute = found->second;
  attribute.name = name;
  // A body handed in from outside would see the names of two scopes.
  require(!attribute.is_graph, ErrorCode::kUnsupported, "unsupported: the attribute '", name, "' is a graph handed to a function");
  return true;
}

void GraphBuilder::add_attributes(Scope& scope, const NodeMessage& message, Node& node) {
  constexpr size_t kMaxAttributes = 256;   // they are found by going through them
  require(message.attributes.size() <= kMaxAttributes, ErrorCode::kResourceLimit, "has ", message.attributes.size(),
          " attributes, the limit is ", kMaxAttributes);
  std::unordered_map<const Value*, size_t> captured;
  for (std::string_view bytes : message.attributes) {
    AttributeMessage attribute = parse_attribute(bytes);
    require(!attribute.name.empty(), ErrorCode::kInvalidModel, "an attribute has no name");
    require(!node.attributes.has(attribute.name), ErrorCode::kInvalidModel, "the attribute '", attribute.name, "' is given twice");
    if (!resolve_attribute(scope, attribute)) continue;
    if (attribute.is_graph) {
      // Octet walks into the bodies of operators that have some; a body anywhere else means nothing.
      require(node.op->has_bodies, ErrorCode::kInvalidModel, "the operator takes no graph, and the attribute '", attribute.name, "' is one");
      node.attributes.set(attribute.name, build_body(scope, node, captured, attribute.graph));
    } else {
      node.attributes.set(attribute.name, read_attribute(attribute, source_));
    }
  }
}

std::shared_ptr<Graph> GraphBuilder::build_body(Scope& scope, Node& owner, std::unordered_map<const Value*, size_t>& captured,
                                                std::string_view message) {
  auto body = std::make_shared<Graph>();
  body->opsets = scope.graph->opsets;
  Scope inner{.graph = body.get(), .outer = &scope, .owner = &owner, .captured = &captured, .frame = scope.frame, .opsets = scope.opsets,
              .depth = scope.depth + 1};
  build_scope(inner, parse_graph(message, options_.max_rank));
  return body;
}

void GraphBuilder::add_constant(Scope& scope, const NodeMessage& message) {
  require(message.inputs.empty() && message.outputs.size() == 1 && !message.outputs[0].empty(), ErrorCode::kInvalidModel,
          "a constant has no inputs and one output");
  Tensor tensor;
  for (std::string_view bytes : message.attributes) {
    AttributeMessage attribute = parse_attribute(bytes);
    if (!resolve_attribute(scope, attribute)) continue;
    std::string_view name = attribute.name;
    require(name != "value_string" && name != "value_strings", ErrorCode::kUnsupported, "unsupported: a constant of strings");
    AttributeValue value = read_attribute(attribute, source_);
    require(!tensor.is_defined(), ErrorCode::kInvalidModel, "a constant has two values");
    if (auto* held = std::get_if<Tensor>(&value)) tensor = *held;
    else if (auto* integer = std::get_if<int64_t>(&value)) tensor = Tensor::scalar<int64_t>(*integer);
    else if (auto* real = std::get_if<float>(&value)) tensor = Tensor::scalar<float>(*real);
    else if (auto* integers = std::get_if<std::vector<int64_t>>(&value))
      tensor = Tensor::from<int64_t>(Shape{static_cast<int64_t>(integers->size())}, *integers);
    else if (auto* reals = std::get_if<std::vector<float>>(&value))
      tensor = Tensor::from<float>(Shape{static_cast<int64_t>(reals->size())}, *reals);
    else fail(ErrorCode::kInvalidModel, "the attribute '", name, "' does not hold a constant");
  }
  require(tensor.is_defined(), ErrorCode::kInvalidModel, "a constant has no value");
  scope.names.at(message.outputs[0])->set_constant(std::move(tensor));
}

void GraphBuilder::inline_function(Scope& scope, const NodeMessage& message, const FunctionMessage& function) {
  require(message.inputs.size() <= function.inputs.size(), ErrorCode::kInvalidModel, "the call has ", message.inputs.size(),
          " inputs, the function takes ", function.inputs.size());
  require(message.outputs.size() <= function.outputs.size(), ErrorCode::kInvalidModel, "the call has ", message.outputs.size(),
          " outputs, the function gives ", function.outputs.size());
  require(scope.depth < options_.max_depth, ErrorCode::kResourceLimit, "functions are nested deeper than the limit of ",
          options_.max_depth);

  charge(function.inputs.size() + function.outputs.size() + function.defaults.size());
  Frame frame{.function = &function};
  for (const auto& [name, bytes] : function.defaults) frame.attributes.insert_or_assign(name, parse_attribute(bytes));
  for (std::string_view bytes : message.attributes) {
    AttributeMessage attribute = parse_attribute(bytes);
    std::string_view name = attribute.name;
    if (resolve_attribute(scope, attribute)) frame.attributes.insert_or_assign(name, attribute);
  }

  std::string_view call = !message.name.empty() ? message.name : message.outputs.empty() ? message.op_type : message.outputs[0];
  Scope inner{.graph = scope.graph, .frame = &frame, .opsets = function.opsets.empty() ? scope.opsets : &function.opsets,
              .prefix = text(scope.prefix, call, "/"), .depth = scope.depth + 1};
  for (size_t i = 0; i < function.inputs.size(); ++i)
    declare(inner, function.inputs[i], i < message.inputs.size() ? resolve_input(scope, message.inputs[i]) : nullptr);
  // What the call's outputs are made of: values that a node of the function produces directly, else copies.
  std::vector<std::pair<std::string_view, Value*>> copies;
  for (size_t i = 0; i < message.outputs.size(); ++i) {
    if (message.outputs[i].empty()) continue;
    Value* value = scope.names.at(message.outputs[i]);
    bool fresh = !inner.names.count(function.outputs[i]) && inner.promised.emplace(function.outputs[i], value).second;
    if (!fresh) copies.emplace_back(function.outputs[i], value);
  }
  declare_outputs(inner, function.nodes);
  require(inner.promised.empty(), ErrorCode::kInvalidModel, "nothing in the function '", function.name, "' produces its output '",
          inner.promised.empty() ? std::string_view() : inner.promised.begin()->first, "'");
  add_nodes(inner, function.nodes);
  for (const auto& [name, value] : copies) {
    Value* source = inner.names.at(name);
    require(source != nullptr, ErrorCode::kInvalidModel, "the call leaves out the input '", name, "', which is an output as well");
    const OperatorDef* identity = find_operator("", "Identity", version_of("", *inner.opsets));
    Node* node = scope.graph->add_node(*identity, {source}, {value});
    node->name = text(inner.prefix, name);
  }
}

}  // namespace octet::onnx
