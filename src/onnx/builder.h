// Makes a Graph of a GraphProto: names become values, functions are inlined, outer values of bodies become captures.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "onnx/attribute.h"
#include "onnx/messages.h"
#include "onnx/tensor.h"

namespace octet::onnx {

class GraphBuilder {
 public:
  GraphBuilder(const ModelMessage& model, DataSource& source);

  // Throws one Error(kUnsupported) that lists every operator of the model that Octet lacks.
  void check_operators();
  // The main graph, sorted and verified.
  void build(Graph& graph);

 private:
  // A call of a function that is being inlined: what its attribute references stand for.
  struct Frame {
    const FunctionMessage* function;
    std::map<std::string_view, AttributeMessage> attributes;
  };
  // Where names are looked up.
  struct Scope {
    Graph* graph;
    Scope* outer = nullptr;        // of a body: the scope of the node that owns it
    Node* owner = nullptr;         // of a body: that node
    std::unordered_map<const Value*, size_t>* captured = nullptr;   // where in owner->captures a value stands; shared by its bodies
    const Frame* frame = nullptr;  // inside an inlined function
    const Opsets* opsets;
    std::string prefix;            // of node and value names of inlined functions
    int depth = 0;
    std::unordered_map<std::string_view, Value*> names;     // null: an argument the call left out
    std::unordered_map<std::string_view, Value*> promised;  // outputs of an inlined function that no node has produced yet
  };
  using Key = std::tuple<std::string_view, std::string_view, std::string_view>;   // domain, name, overload
  struct Missing {
    std::string node;
    int count = 0;
  };
  using MissingOperators = std::map<std::tuple<std::string, std::string, int>, Missing>;

  const FunctionMessage* find_function(const NodeMessage& node) const;
  const OperatorDef* find_definition(std::string_view domain, std::string_view name, int version);
  int version_of(std::string_view domain, const Opsets& opsets) const;
  void collect_missing(const std::vector<NodeMessage>& nodes, const Opsets& opsets, int depth, MissingOperators& missing,
                       std::map<const FunctionMessage*, bool>& seen);

  void build_scope(Scope& scope, const GraphMessage& message);
  void add_inputs(Scope& scope, const GraphMessage& message);
  void add_initializers(Scope& scope, const GraphMessage& message);
  void declare(Scope& scope, std::string_view name, Value* value);
  void declare_outputs(Scope& scope, const std::vector<NodeMessage>& nodes);
  void add_hints(Scope& scope, const GraphMessage& message);
  void apply_type(Value& value, const ValueMessage& message, const char* role) const;

  bool lookup(Scope& scope, std::string_view name, Value*& value);
  Value* resolve_input(Scope& scope, std::string_view name);

  void charge(size_t count);
  void add_nodes(Scope& scope, const std::vector<NodeMessage>& nodes);
  void add_node(Scope& scope, const NodeMessage& message);
  void add_constant(Scope& scope, const NodeMessage& message);
  void add_attributes(Scope& scope, const NodeMessage& message, Node& node);
  std::shared_ptr<Graph> build_body(Scope& scope, Node& owner, std::unordered_map<const Value*, size_t>& captured, std::string_view message);
  void inline_function(Scope& scope, const NodeMessage& message, const FunctionMessage& function);
  bool resolve_attribute(const Scope& scope, AttributeMessage& attribute) const;

  const ModelMessage& model_;
  DataSource& source_;
  const ReadOptions& options_;
  GraphMessage main_;
  std::vector<FunctionMessage> functions_;
  std::map<Key, const FunctionMessage*> functions_by_name_;
  std::map<std::tuple<std::string_view, std::string_view, int>, const OperatorDef*> definitions_;   // found so far
  int64_t nodes_ = 0;
};

}  // namespace octet::onnx
