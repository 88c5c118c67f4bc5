#include "onnx/builder.h"

#include <unordered_set>

#include "base/error.h"
#include "graph/operator.h"
#include "onnx/wire.h"

namespace octet::onnx {

GraphBuilder::GraphBuilder(const ModelMessage& model, DataSource& source) : model_(model), source_(source), options_(source.options) {
  main_ = parse_graph(*model_.graph, options_.max_rank);
  functions_.reserve(model.functions.size());
  for (std::string_view message : model.functions) functions_.push_back(parse_function(message));
  for (const FunctionMessage& function : functions_)
    require(functions_by_name_.emplace(Key{function.domain, function.name, function.overload}, &function).second,
            ErrorCode::kInvalidModel, "the function '", function.name, "' is defined twice");
}

// --- operators that Octet lacks ------------------------------------------------------------------------------------------

const FunctionMessage* GraphBuilder::find_function(const NodeMessage& node) const {
  auto found = functions_by_name_.find(Key{node.domain, node.op_type, node.overload});
  return found == functions_by_name_.end() ? nullptr : found->second;
}

// The registry is searched from end to end; a model uses few operators many times.
const OperatorDef* GraphBuilder::find_definition(std::string_view domain, std::string_view name, int version) {
  auto [entry, fresh] = definitions_.try_emplace({domain, name, version}, nullptr);
  // Passes make the operators of the domain "octet" and trust their attributes; files cannot hold them.
  if (fresh && domain != "octet") entry->second = find_operator(domain, name, version);
  return entry->second;
}

int GraphBuilder::version_of(std::string_view domain, const Opsets& opsets) const {
  if (auto found = opsets.find(domain); found != opsets.end()) return found->second;
  require(!domain.empty() || model_.ir_version < 3, ErrorCode::kInvalidModel, "the model does not say which opset of ai.onnx it uses");
  return 1;
}

void GraphBuilder::collect_missing(const std::vector<NodeMessage>& nodes, const Opsets& opsets, int depth, MissingOperators& missing,
                                   std::map<const FunctionMessage*, bool>& seen) {
  require(depth <= options_.max_depth, ErrorCode::kResourceLimit, "graphs are nested deeper than the limit of ", options_.max_depth);
  for (const NodeMessage& node : nodes) {
    for (std::string_view bytes : node.attributes) {
      AttributeMessage attribute = parse_attribute(bytes);
      if (attribute.is_graph)
        collect_missing(parse_graph(attribute.graph, options_.max_rank).nodes, opsets, depth + 1, missing, seen);
    }
    if (const FunctionMessage* function = find_function(node)) {
      if (!seen.emplace(function, true).second) continue;
      collect_missing(function->nodes, function->opsets.empty() ? opsets : function->opsets, depth + 1, missing, seen);
      continue;
    }
    if (node.domain.empty() && node.op_type == "Constant") continue;
    int version = version_of(node.domain, opsets);
    if (find_definition(node.domain, node.op_type, version) != nullptr) continue;
    Missing& entry = missing[{std::string(node.domain), std::string(node.op_type), version}];
    if (entry.count++ == 0) entry.node = !node.name.empty() ? node.name : node.outputs.empty() ? "" : node.outputs[0];
  }
}

void GraphBuilder::check_operators() {
  MissingOperators missing;
  std::map<const FunctionMessage*, bool> seen;
  collect_missing(main_.nodes, model_.opsets, 0, missing, seen);
  if (missing.empty()) return;
  std::string list;
  for (const auto& [key, entry] : missing) {
    const auto& [domain, name, version] = key;
    if (!list.empty()) list += ", ";
    if (!domain.empty()) list += text(domain, "::");
    list += text(name, " (version ", version, ", node '", entry.node, "'");
    if (entry.count > 1) list += text(" and ", entry.count - 1, " more");
    list += ")";
  }
  throw Error(ErrorCode::kUnsupported, text("unsupported: Octet lacks ", missing.size(), missing.size() == 1 ? " operator" : " operators",
                                            " of this model: ", list),
              "export the model without them, or with them as functions of standard operators");
}

// --- values ----------------------------------------------------------------------------------------------------------------

void GraphBuilder::apply_type(Value& value, const ValueMessage& message, const char* role) const {
  require(message.unsupported == nullptr, ErrorCode::kUnsupported, "unsupported: the ", role, " '", message.name, "' is ",
          message.unsupported != nullptr ? message.unsupported : "", ", not a tensor");
  if (!message.has_type || value.is_constant()) return;
  if (message.type != 0) value.dtype = checked_dtype(message.type, text("the ", role, " '", message.name, "'"));
  if (message.shape) {
    value.shape = message.shape;
    value.symbols = message.symbols;
  }
}

void GraphBuilder::declare(Scope& scope, std::string_view name, Value* value) {
  require(scope.names.emplace(name, value).second, ErrorCode::kInvalidModel, "the name '", name, "' is given to two values");
}

void GraphBuilder::add_initializers(Scope& scope, const GraphMessage& message) {
  auto add = [&](const NamedTensor& named) {
    require(!named.name.empty(), ErrorCode::kInvalidModel, "an initializer has no name");
    Value* value = scope.graph->add_value(named.name);
    value->set_constant(named.tensor);
    declare(scope, named.name, value);
  };
  for (std::string_view bytes : message.initializers) add(read_tensor(bytes, source_));
  for (std::string_view bytes : message.sparse_initializers) add(read_sparse_tensor(bytes, source_));
}

void GraphBuilder::add_inputs(Scope& scope, const GraphMessage& message) {
  std::unordered_set<std::string_view> seen;
  for (const ValueMessage& input : message.inputs) {
    require(!input.name.empty(), ErrorCode::kInvalidModel, "a graph input has no name");
    require(seen.insert(input.name).second, ErrorCode::kInvalidModel, "the graph input '", input.name, "' is declared twice");
    auto known = scope.names.find(input.name);
    if (known != scope.names.end() && scope.owner == nullptr) continue;   // an initializer: IR 3 lists it as an input too
    Value* value = scope.graph->add_input(input.name, DType::kUndefined, std::nullopt);
    apply_type(*value, input, "input");
    require(value->dtype != DType::kUndefined || scope.owner != nullptr, ErrorCode::kInvalidModel, "the input '", input.name,
            "' has no element type");
    declare(scope, input.name, value);
  }
}

void GraphBuilder::declare_outputs(Scope& scope, const std::vector<NodeMessage>& nodes) {
  for (const NodeMessage& node : nodes) {
    for (std::string_view name : node.outputs) {
      if (name.empty()) continue;
      Value* value;
      if (auto promised = scope.promised.find(name); promised != scope.promised.end()) {
        value = promised->second;
        scope.promised.erase(promised);
      } else {
        value = scope.graph->add_value(scope.prefix.empty() ? std::string(name) : text(scope.prefix, name));
      }
      declare(scope, name, value);
    }
  }
}

void GraphBuilder::add_hints(Scope& scope, const GraphMessage& message) {
  for (const ValueMessage& hint : message.values) {
    auto found = scope.names.find(hint.name);
    // A hint about a value that is no tensor is not yet an error: its producer is one, unless Octet knows better.
    if (found == scope.names.end() || found->second == nullptr || found->second->is_input || hint.unsupported != nullptr) continue;
    apply_type(*found->second, hint, "value");
  }
}

// Whether the scope knows the name; `value` may be null even so (an argument left out). A value of an outer graph becomes a
// capture of every body between there and here.
bool GraphBuilder::lookup(Scope& scope, std::string_view name, Value*& value) {
  if (auto found = scope.names.find(name); found != scope.names.end()) {
    value = found->second;
    return true;
  }
  if (scope.outer == nullptr || !lookup(*scope.outer, name, value)) return false;
  if (value != nullptr) {
    Value* captured = value;
    // As Graph::add_capture does, without its search: a hostile file may capture a hundred thousand values.
    auto [entry, fresh] = scope.captured->emplace(captured, scope.owner->captures.size());
    if (fresh) {
      scope.owner->captures.push_back(captured);
      captured->consumers.push_back(scope.owner);
    }
    size_t index = entry->second;
    value = scope.graph->add_value(captured->name);
    value->is_input = true;
    value->dtype = captured->dtype;
    value->shape = captured->shape;
    value->symbols = captured->symbols;
    scope.graph->captures.push_back({value, index});
  }
  scope.names.emplace(name, value);
  return true;
}

Value* GraphBuilder::resolve_input(Scope& scope, std::string_view name) {
  if (name.empty()) return nullptr;
  Value* value = nullptr;
  require(lookup(scope, name, value), ErrorCode::kInvalidModel, "uses '", name, "', which nothing defines");
  return value;
}

void GraphBuilder::build_scope(Scope& scope, const GraphMessage& message) {
  require(scope.depth <= options_.max_depth, ErrorCode::kResourceLimit, "graphs are nested deeper than the limit of ",
          options_.max_depth);
  // The main graph is in the file as often as in memory; bodies of functions may be there many times.
  if (scope.depth > 0) charge(message.initializers.size() + message.sparse_initializers.size() + message.inputs.size() + message.outputs.size());
  scope.graph->name = message.name;
  scope.graph->unknown_fields = message.unknown;
  add_initializers(scope, message);
  add_inputs(scope, message);
  declare_outputs(scope, message.nodes);
  // Hints go first: bodies and inlined functions copy what is known about the values they take.
  add_hints(scope, message);
  for (const ValueMessage& output : message.outputs)
    if (auto found = scope.names.find(output.name); found != scope.names.end() && found->second != nullptr && !found->second->is_input)
      apply_type(*found->second, output, "output");
  add_nodes(scope, message.nodes);
  for (const ValueMessage& output : message.outputs) {
    Value* value = nullptr;
    require(!output.name.empty() && lookup(scope, output.name, value) && value != nullptr, ErrorCode::kInvalidModel,
            "nothing defines the graph output '", output.name, "'");
    scope.graph->add_output(value);
  }
  scope.graph->sort();
  scope.graph->verify();
}

void GraphBuilder::build(Graph& graph) {
  Scope scope{.graph = &graph, .opsets = &model_.opsets};
  build_scope(scope, main_);
}

}  // namespace octet::onnx
