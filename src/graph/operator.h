// What an operator is: its definition, and the contexts its functions are called with.
//
// One OperatorDef per operator (and per incompatible version of it), filled in src/ops/<name>.cc, found through
// find_operator. Every other part of Octet learns about operators from here alone: passes and the plan ask for traits, never for
// names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/step.h"

namespace octet {

class ThreadPool;

// --- shape inference -------------------------------------------------------------------------------------------------

// Called in topological order with everything known about the inputs. Errors thrown inside get the node's name added.
class InferContext {
 public:
  InferContext(Node& node) : node_(node) {}
  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  int version() const { return node_.version; }
  size_t inputs() const { return node_.inputs.size(); }
  size_t outputs() const { return node_.outputs.size(); }
  bool has_input(size_t i) const { return node_.input(i) != nullptr; }
  bool has_output(size_t i) const { return node_.output(i) != nullptr; }

  DType dtype(size_t i) const;                         // of a present input
  bool has_rank(size_t i) const { return has_input(i) && node_.inputs[i]->shape.has_value(); }
  const Shape& shape(size_t i) const;                  // requires has_rank
  const Tensor* constant(size_t i) const;              // the input's value if it is known now, else null (also when absent)
  std::optional<std::vector<int64_t>> constant_integers(size_t i) const;   // the same as int64 list (int32 or int64 tensors)

  void set_output(size_t i, DType dtype, Shape shape);       // ignored when output i is left out
  void set_output_rank_unknown(size_t i, DType dtype);
  // Output i has the dtype and shape of input j.
  void same_as_input(size_t i, size_t j);

 private:
  Node& node_;
};

// --- evaluation --------------------------------------------------------------------------------------------------------

// The reference evaluation of an operator: plain, obvious code on dense tensors in ONNX order, the definition of what the operator
// means. It serves constant folding, steps without a fast kernel, and as oracle in tests.
class EvaluateContext {
 public:
  EvaluateContext(const Node& node, std::span<const Tensor* const> inputs, ThreadPool* pool) : node_(node), inputs_(inputs), pool_(pool) {}
  virtual ~EvaluateContext() = default;

  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  int version() const { return node_.version; }
  size_t inputs() const { return inputs_.size(); }
  size_t outputs() const { return node_.outputs.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  bool has_output(size_t i) const { return node_.output(i) != nullptr; }
  const Tensor& input(size_t i) const { return *inputs_[i]; }
  ThreadPool* pool() const { return pool_; }   // may be null: run serially

  // Memory for output i. The reference stays valid; call once per output. An output that was left out gets scratch memory.
  virtual Tensor& output(size_t i, DType dtype, const Shape& shape) = 0;
  // Output i is this tensor (shares or copies its memory): for Identity, Reshape and the like.
  virtual void forward(size_t i, const Tensor& tensor) = 0;
  // Runs a body (If, Loop, Scan) with its inputs in order; captures are supplied by the caller's plan. Returned tensors stay
  // valid until the next call for the same body.
  virtual std::span<const Tensor> run_body(std::string_view attribute, std::span<const Tensor> inputs);

 protected:
  const Node& node_;
  std::span<const Tensor* const> inputs_;
  ThreadPool* pool_;
};

// --- cost -----------------------------------------------------------------------------------------------------------------

struct Cost {
  int64_t macs = 0;            // multiply-accumulates (convolutions and matrix products; 0 for the rest)
  int64_t weight_bytes = 0;    // constants read, filled by the driver
  int64_t activation_bytes = 0;   // other inputs read and outputs written, filled by the driver
};

// --- quantization ------------------------------------------------------------------------------------------------------

// One 8-bit view of a float value, as DequantizeLinear or QuantizeLinear describes it.
struct QuantizedValue {
  Value* value = nullptr;        // the 8-bit (or int32) value; null when the float value is not quantized
  Value* scale = nullptr;        // constant float scale(s)
  Value* zero_point = nullptr;   // constant zero point(s) of the value's type; null: zero, uint8
  int64_t axis = 0;              // for more than one scale
};

// Hands a node between DequantizeLinear and QuantizeLinear to its operator's `lower`, which may replace it by an integer form.
class LowerContext {
 public:
  // `absorbed`: nodes behind this one that its integer form does the work of (the addition of a constant bias to a matrix
  // product, a clamp), in order; the last one's output is what counts.
  LowerContext(Graph& graph, Node& node, std::vector<Node*> absorbed = {}, Value* bias = nullptr)
      : graph_(graph), node_(node), absorbed_(std::move(absorbed)), bias_(bias) {}
  Graph& graph() { return graph_; }
  Node& node() { return node_; }
  // The quantized form behind float input i; .value is null when the input is float.
  QuantizedValue input(size_t i) const;
  // The constant float vector that an absorbed addition adds along the last axis; null when there is none.
  Value* bias() const { return bias_; }
  // The quantized form that all consumers of the result take (one QuantizeLinear); .value is null when anybody wants floats.
  QuantizedValue output() const;
  // Inserts a node before the lowered one, at the newest opset its domain has.
  Node* add(std::string_view domain, std::string_view op, std::vector<Value*> inputs);
  // The lowered node's result: replaces the QuantizeLinear's output (if output().value), else the float output. The node is gone
  // afterwards.
  void finish(Value* result);
  Value* result() const { return result_; }   // what finish was given, or null

 private:
  Graph& graph_;
  Node& node_;
  Value* tail() const { return absorbed_.empty() ? node_.output(0) : absorbed_.back()->output(0); }

  std::vector<Node*> absorbed_;
  Value* bias_;
  Value* result_ = nullptr;
};

// --- the definition ----------------------------------------------------------------------------------------------------

// Where in memory order an operator can work.
enum class LayoutSupport : uint8_t {
  kOnnxOnly,       // wants and gives ONNX order
  kAgnostic,       // works on any order that all its tensors share (elementwise)
  kChannelsLast,   // wants and gives channels-last for input 0 (and input-like operands) and output 0
};

constexpr int kVariadic = 1 << 20;

struct OperatorDef {
  std::string_view domain;           // "" is ai.onnx; "com.microsoft"; "octet" for internal operators that are never written
  std::string_view name;
  int since_version = 1;             // in force from this opset on, until the next definition of the same name
  int min_inputs = 1, max_inputs = 1;
  int min_outputs = 1, max_outputs = 1;

  void (*infer)(InferContext&) = nullptr;         // required
  void (*evaluate)(EvaluateContext&) = nullptr;   // required
  int64_t (*macs)(const Node&) = nullptr;         // shapes are concrete when called; null: 0
  // Chooses a fast kernel for a node whose shapes are concrete; false: the reference evaluation runs as the step.
  bool (*bind)(BindContext&) = nullptr;
  // Rewrites a quantized node into its integer form; false: it stays float between its DequantizeLinear and QuantizeLinear.
  bool (*lower)(LowerContext&) = nullptr;
  // What order the node can work in with its shapes and types as they are; null: kOnnxOnly.
  LayoutSupport (*layout)(const Node&) = nullptr;

  // Traits.
  // y = f(x) for every element of input 0; other inputs, if any, are constant parameters. A 256-entry table can stand for it.
  double (*scalar_function)(const Node&, double x) = nullptr;
  bool transparent = false;      // output values are a selection of input 0's values: quantization parameters pass through
  bool view = false;             // output 0 has input 0's bytes in input 0's order (Reshape, Squeeze, ...)
  bool reads_only_shape = false; // the result depends on input shapes alone (Shape, Size): folded once they are concrete
  bool deterministic = true;     // false: never folded (random generators)
  bool has_bodies = false;       // If, Loop, Scan
  bool quantizes = false;        // QuantizeLinear
  bool dequantizes = false;      // DequantizeLinear
  bool quantizable = false;      // static quantization covers it by default (Conv, MatMul, ...): its inputs get 8-bit types
  bool dynamic_quantizable = false;   // dynamic quantization has a form for it
};

using OperatorList = std::span<const OperatorDef> (*)();
std::span<const OperatorList> operator_lists();   // generated from src/ops/operators.txt

// The definition in force at `version`, or null.
const OperatorDef* find_operator(std::string_view domain, std::string_view name, int version);
// The newest opset version of ai.onnx that Octet understands.
constexpr int kNewestOpset = 23;

// --- drivers -------------------------------------------------------------------------------------------------------------

// Infers the outputs of one node; errors name the node.
void infer_node(Node& node);
// Evaluates one node without bodies on constants; returns its outputs. Errors name the node.
std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor* const> inputs, ThreadPool* pool = nullptr);
Cost node_cost(const Node& node);

}  // namespace octet
