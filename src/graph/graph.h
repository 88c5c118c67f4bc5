// The intermediate representation: values, nodes, and the graph that owns them.
//
// A Graph is a list of nodes in topological order. Every value has one producer (a node, or none: graph inputs, constants
// and captures) and knows its consumers; the Graph's editing functions keep both sides true. Addresses of nodes and values
// are stable for the life of the graph. Not thread-safe while edited.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/attributes.h"
#include "octet/tensor.h"

namespace octet {

struct OperatorDef;
struct Node;

// The physical order in which a Plan stores a value. Shapes are always logical, in ONNX axis order.
enum class Layout : uint8_t {
  kOnnx,           // row-major in ONNX axis order
  kChannelsLast,   // axis 1 is stored innermost: N, spatial axes, C
};

struct Value {
  std::string name;              // unique within the graph; empty only for values that were never named
  DType dtype = DType::kUndefined;
  std::optional<Shape> shape;    // none: not even the rank is known; extents may be Shape::kUnknown
  std::vector<std::string> symbols;   // names of free extents ("batch"), by axis, where the file has them; else empty
  Layout layout = Layout::kOnnx;
  Node* producer = nullptr;
  std::vector<Node*> consumers;  // one entry per use: a node that uses a value twice stands here twice
  int graph_outputs = 0;         // how many of the graph's outputs this value is
  bool is_input = false;         // graph input or capture

  bool is_constant() const { return constant_.is_defined(); }
  // The constant, aligned for its type. Views into a mapped file that are not aligned are copied on first use.
  const Tensor& constant() const;
  // The constant as it lies in the file; may be misaligned: for packers and the writer, which read bytes.
  const Tensor& raw_constant() const { return constant_; }
  void set_constant(Tensor tensor);   // also sets dtype and shape
  void clear_constant() { constant_ = Tensor(); }
  bool has_concrete_shape() const { return shape && shape->is_concrete(); }
  bool is_used() const { return graph_outputs > 0 || !consumers.empty(); }

 private:
  mutable Tensor constant_;
};

struct Node {
  const OperatorDef* op = nullptr;   // never null
  std::string name;
  int version = 0;                   // opset version of the operator's domain in the model
  std::vector<Value*> inputs;        // null: optional input left out
  std::vector<Value*> outputs;       // null: optional output left out
  Attributes attributes;
  // Values of this graph that the bodies (If, Loop, Scan) of this node use: body->captures[i].index points in here.
  std::vector<Value*> captures;
  std::string unknown_fields;        // what the reader did not know, kept for the writer
  std::list<Node>::iterator position;   // in its graph's list; kept by Graph

  Value* input(size_t i) const { return i < inputs.size() ? inputs[i] : nullptr; }
  Value* output(size_t i) const { return i < outputs.size() ? outputs[i] : nullptr; }
  // The name for messages: the node's own, else its first output's, with the operator: "conv1 (Conv)".
  std::string label() const;
};

struct Capture {
  Value* inner;   // a value of the body, without producer
  size_t index;   // into the owning node's `captures`
};

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  std::unique_ptr<Graph> clone() const;   // weights are shared, structure is copied (bodies too)

  std::string name;
  std::vector<Value*> inputs, outputs;    // outputs may name a value twice
  std::vector<Capture> captures;          // only in bodies
  std::map<std::string, int, std::less<>> opsets;   // domain → version; bodies share their model's
  std::string unknown_fields;             // what the reader did not know, kept for the writer

  std::list<Node>& nodes() { return nodes_; }
  const std::list<Node>& nodes() const { return nodes_; }
  std::deque<Value>& values() { return values_; }   // includes values no longer used
  const std::deque<Value>& values() const { return values_; }

  Value* find_value(std::string_view name);   // null when absent; linear
  const Value* find_value(std::string_view name) const;

  Value* add_value(std::string_view name_hint);   // the name is made unique by a suffix
  Value* add_input(std::string_view name, DType dtype, std::optional<Shape> shape);
  Value* add_constant(std::string_view name_hint, Tensor tensor);
  void add_output(Value* value);
  void replace_output(size_t index, Value* value);

  // Inserts before `before` (null: at the end). `outputs` may be values made with add_value.
  Node* add_node(const OperatorDef& op, std::vector<Value*> inputs, std::vector<Value*> outputs, Node* before = nullptr);
  // Looks the operator up in the version this graph imports (domains not imported yet get their newest definition) and
  // makes `output_count` new values named after `name_hint`.
  Node* add_node(std::string_view domain, std::string_view op, std::vector<Value*> inputs, std::string_view name_hint,
                 Node* before = nullptr, size_t output_count = 1);
  void remove_node(Node* node);             // its outputs must be unused, or about to be produced by another node
  void set_input(Node* node, size_t index, Value* value);
  void set_output(Node* node, size_t index, Value* value);   // value must have no producer
  size_t add_capture(Node* node, Value* value);   // the index in node->captures, shared if already there
  void replace_capture(Node* node, size_t index, Value* value);
  // Every use of `from` (inputs, captures, graph outputs) becomes `to`. A graph output keeps its public name: when `from` is
  // an output, names are exchanged.
  void replace_uses(Value* from, Value* to);
  // Drops nodes whose outputs nobody uses and constants without consumers. Returns how many nodes went.
  int remove_dead();
  // Restores topological order after edits; throws Error on a cycle.
  void sort();

  // Throws Error when the structure is inconsistent (dangling or duplicate producers, wrong consumer lists, nodes out of order,
  // input counts outside the operator's bounds). Run after every pass.
  void verify() const;

 private:
  std::string unique_name(std::string_view hint);

  std::list<Node> nodes_;
  std::deque<Value> values_;
  std::map<std::string, int, std::less<>> names_;   // every name in use, with the next suffix to try
};

// A model as a file holds it.
struct Model {
  std::string path;               // where it came from; empty when made in memory
  int64_t ir_version = 8;
  std::string producer_name, producer_version, domain, doc_string;
  int64_t model_version = 0;
  std::vector<std::pair<std::string, std::string>> metadata;   // metadata_props
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  std::string unknown_fields;

  const std::string* find_metadata(std::string_view key) const;
  void set_metadata(std::string_view key, std::string_view value);
  Model clone() const;
};

}  // namespace octet
