// Turns float operators that stand between DequantizeLinear and QuantizeLinear into integer operators.
//
// Convolutions and the like bring their own rewrite (OperatorDef::lower). Two traits are enough for the rest: a scalar function
// between two 8-bit tensors is a table of 256 entries; an operator that only selects and moves values (`transparent`) works on
// the bytes themselves, with a table behind it when the parameters differ.
#include "graph/operator.h"
#include "ops/moves.h"
#include "passes/clamp.h"
#include "passes/pass.h"
#include "passes/quantized_table.h"

namespace octet {

namespace {

class Lowering {
 public:
  explicit Lowering(Graph& graph) : graph_(graph) {}

  int run() {
    int lowered = 0;
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node& node = *it;
      // The lowering of a node removes it and the QuantizeLinear behind it, and inserts in front of it: remember a place that stays.
      auto previous = it == graph_.nodes().begin() ? graph_.nodes().end() : std::prev(it);
      bool done = !node.op->quantizes && !node.op->dequantizes && (lower_by_operator(node) || lower_by_trait(node));
      if (!done) done = node.op->quantizes && lower_requantize(node);
      if (done) {
        ++lowered;
        it = previous == graph_.nodes().end() ? graph_.nodes().begin() : std::next(previous);
        // What was inserted is integer already and has nothing to lower.
        continue;
      }
      ++it;
    }
    graph_.remove_dead();
    return lowered;
  }

 private:
  // The one node that reads `value`, or null.
  static Node* sole_reader(const Value* value) {
    return value != nullptr && value->graph_outputs == 0 && value->consumers.size() == 1 ? value->consumers[0] : nullptr;
  }

  // What stands between the node and its readers and can be done by its integer form: a bias, then a clamp.
  struct Absorbed {
    std::vector<Node*> nodes;
    Value* bias = nullptr;
    std::optional<Clamp> clamp;   // only in front of a QuantizeLinear: it narrows the integer range
  };

  static Absorbed absorbed_behind(const Node& node) {
    Absorbed absorbed;
    const Value* out = node.output(0);
    Node* next = sole_reader(out);
    if (next != nullptr && node.op->name == "MatMul" && next->op->name == "Add" && next->op->domain.empty()) {
      Value* bias = next->inputs[0] == out ? next->inputs[1] : next->inputs[0];
      const Value* weights = node.inputs[1];
      bool fits = bias->is_constant() && bias->dtype == DType::kFloat32 && bias->shape->rank() == 1 && weights->shape &&
                  weights->shape->rank() == 2 && (*bias->shape)[0] == (*weights->shape)[1];
      if (fits) {
        absorbed.bias = bias;
        absorbed.nodes.push_back(next);
        out = next->outputs[0];
        next = sole_reader(out);
      }
    }
    if (next == nullptr || next->inputs.empty() || next->inputs[0] != out) return absorbed;
    auto clamp = clamp_of(*next);
    if (!clamp) return absorbed;
    Node* quantize = sole_reader(next->outputs[0]);
    if (quantize == nullptr || !quantize->op->quantizes || quantize->inputs[0] != next->outputs[0]) return absorbed;
    absorbed.clamp = clamp;
    absorbed.nodes.push_back(next);
    return absorbed;
  }

  bool lower_by_operator(Node& node) {
    if (node.op->lower == nullptr) return false;
    bool quantized_input = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) quantized_input |= LowerContext(graph_, node).input(i).value != nullptr;
    if (!quantized_input) return false;
    Absorbed absorbed = absorbed_behind(node);
    if (absorbed.nodes.empty()) {
      LowerContext context(graph_, node);
      return node.op->lower(context);
    }
    LowerContext context(graph_, node, absorbed.nodes, absorbed.bias);
    QuantizedParameters parameters;
    if (absorbed.clamp && !read_parameters(context.output(), parameters)) return false;
    if (!node.op->lower(context)) return false;
    if (absorbed.clamp) {
      Node& integer = *context.result()->producer;
      double low = quantize_value(absorbed.clamp->low, parameters), high = quantize_value(absorbed.clamp->high, parameters);
      if (low > parameters.lowest) integer.attributes.set("clamp_min", static_cast<int64_t>(low));
      if (high < parameters.highest) integer.attributes.set("clamp_max", static_cast<int64_t>(high));
    }
    return true;
  }

  bool lower_by_trait(Node& node) {
    const OperatorDef& op = *node.op;
    if (op.scalar_function == nullptr && (op.lower != nullptr || !ops::moves_values(node))) return false;
    LowerContext context(graph_, node);
    QuantizedValue in = context.input(0), out = context.output();
    QuantizedParameters from, to;
    if (in.value == nullptr || out.value == nullptr || !read_parameters(in, from) || !read_parameters(out, to)) return false;
    for (size_t i = 1; i < node.inputs.size(); ++i)
      if (node.inputs[i] != nullptr && !node.inputs[i]->is_constant() && node.inputs[i]->dtype == DType::kFloat32) return false;
    if (op.scalar_function != nullptr) {
      const Node* function = &node;
      Tensor table = make_table(from, to, [function](double x) { return function->op->scalar_function(*function, x); });
      context.finish(add_table(context, in.value, std::move(table), op.name));
      return true;
    }
    if (node.outputs.size() != 1) return false;
    std::vector<Value*> inputs = node.inputs;
    inputs[0] = in.value;
    Node* moved = graph_.add_node(op, std::move(inputs), {graph_.add_value(node.outputs[0]->name)}, &node);
    moved->name = node.name;
    moved->version = node.version;
    moved->attributes = node.attributes;
    infer_node(*moved);
    Value* result = moved->outputs[0];
    if (!(from == to)) result = add_table(context, result, make_table(from, to, [](double x) { return x; }), "Requantize");
    context.finish(result);
    return true;
  }

  // DequantizeLinear → QuantizeLinear with nothing in between, as at the border of two ranges.
  bool lower_requantize(Node& quantize) {
    LowerContext as_consumer(graph_, quantize);
    QuantizedValue in = as_consumer.input(0);
    QuantizedValue out{quantize.output(0), quantize.input(1), quantize.input(2), 1};
    QuantizedParameters from, to;
    if (in.value == nullptr || in.value->is_constant() || !read_parameters(in, from) || !read_parameters(out, to)) return false;
    Value* result = from == to ? in.value : add_table(as_consumer, in.value, make_table(from, to, [](double x) { return x; }), "Requantize");
    graph_.replace_uses(out.value, result);
    graph_.remove_node(&quantize);
    return true;
  }

  Value* add_table(LowerContext& context, Value* x, Tensor table, std::string_view function) {
    Node* node = context.add("octet", "Table", {x});
    node->attributes.set("table", std::move(table));
    node->attributes.set("unary", std::string(function));
    infer_node(*node);
    return node->outputs[0];
  }

  Graph& graph_;
};

}  // namespace

int lower_quantized(Graph& graph, const PassOptions&) { return Lowering(graph).run(); }

}  // namespace octet
