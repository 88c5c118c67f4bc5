#include "quantize/selection.h"

#include <set>

#include "measure/eight_bit.h"
#include "ops/moves.h"
#include "quantize/heads.h"

namespace octet {

namespace {

bool is_float_value(const Value* value) { return value != nullptr && value->dtype == DType::kFloat32; }
bool is_activation(const Value* value) { return is_float_value(value) && !value->is_constant(); }

class Selector {
 public:
  Selector(Graph& graph, const Recipe& recipe) : graph_(graph), recipe_(recipe) {}

  Selection run() {
    for (Node& node : graph_.nodes()) consider(node);
    for (Node* node : selection_.targets)
      for (size_t i = 0; i < node->inputs.size() && i < 2; ++i)
        if (is_activation(node->inputs[i])) need(node->inputs[i]);
    mark_derived();
    // Backwards, so that a node is visited after everything that reads it.
    for (auto it = graph_.nodes().rbegin(); it != graph_.nodes().rend(); ++it) pull_up(*it);
    resolve_sources();
    return std::move(selection_);
  }

 private:
  void consider(Node& node) {
    const OperatorDef& op = *node.op;
    if (op.macs == nullptr && !op.quantizable) return;
    LayerReport report = report_of(node);
    Recipe::Layer settings = recipe_.layer(report.layer, op.name);
    if (report.treatment == kAsItWas) {
      // Its values have their parameters.
    } else if (!op.quantizable) {
      report.reason = op.dynamic_quantizable ? "only dynamic quantization has an 8-bit form of it" : "the operator has no static 8-bit form";
    } else if (!settings.quantize) {
      report.reason = settings.reason;
    } else if (std::string reason = recipe_.asks_for_8_bits(report.layer, op.name) ? "" : head_reason(node); !reason.empty()) {
      report.reason = std::move(reason);
      report.in_head = true;
    } else if (!is_activation(node.input(0)) || !is_float_value(node.output(0)) || !is_float_value(node.input(1))) {
      report.reason = "its operands are not float activations";
    } else if (node.input(2) != nullptr && !node.input(2)->is_constant()) {
      report.reason = "its bias is computed at run time";
    } else {
      report.treatment = "int8";
      selection_.targets.push_back(&node);
      is_target_.insert(&node);
    }
    selection_.layers.push_back(std::move(report));
  }

  // The node that absorbs this one, or null.
  static Node* absorber(const Node& node) {
    for (const Value* value : node.inputs)
      if (is_activation(value) && value->producer != nullptr && absorbed_behind(*value->producer) == &node) return value->producer;
    return nullptr;
  }

  bool has_integer_form(const Node& node) const {
    const OperatorDef& op = *node.op;
    if (is_target_.count(&node) || node.outputs.empty() || !is_float_value(node.output(0))) return false;
    if (op.lower == nullptr && op.scalar_function == nullptr && !ops::moves_values(node)) return false;
    if (op.quantizable) return false;   // a target that the recipe keeps float
    return recipe_.layer(node.name, op.name).quantize;
  }

  // Values that come out of 8-bit layers through integer forms alone: an addition in front of the first convolution (normalizing the
  // picture, say) is not worth rounding for. What a layer reads is rounded in any case: from there the chain goes on, whatever
  // float operator has interrupted it before.
  void mark_derived() {
    for (Node& node : graph_.nodes()) {
      if (is_target_.count(&node)) {
        derived_.insert(node.outputs[0]);
        continue;
      }
      if (!has_integer_form(node)) continue;
      for (Value* value : node.outputs)
        if (value != nullptr && needed_.count(value)) derived_.insert(value);
      bool all = true, any = false;
      for (const Value* value : node.inputs) {
        if (!is_activation(value)) continue;
        any = true;
        all &= derived_.count(value) > 0;
      }
      if (any && all)
        for (Value* value : node.outputs)
          if (value != nullptr) derived_.insert(value);
    }
  }

  void need(Value* value) { needed_.insert(value); }

  // A node between needed values works in 8 bits itself when its inputs are needed too.
  void pull_up(Node& node) {
    if (!has_integer_form(node)) return;
    bool wanted = false;
    for (Value* value : node.outputs) wanted |= value != nullptr && needed_.count(value) > 0;
    if (!wanted || absorbed_behind(node) != nullptr) return;
    // Absorbed nodes are part of the first of the chain; the values in between do not exist.
    Node* first = &node;
    while (Node* before = absorber(*first)) first = before;
    if (has_integer_form(*first)) pull_inputs(*first);
  }

  void pull_inputs(Node& node) {
    bool moves_only = ops::moves_values(node) && node.op->scalar_function == nullptr;
    for (Value* value : node.inputs)
      if (is_activation(value) && !moves_only && !derived_.count(value)) return;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      Value* value = node.inputs[i];
      if (is_activation(value)) need(value);
      if (moves_only) break;   // the others are indices and sizes
    }
    if (!moves_only && node.op->scalar_function == nullptr)
      for (Value* value : node.inputs)
        if (is_float_value(value) && value->is_constant()) need(value);   // x · constant: both operands are 8-bit
    if (moves_only) moved_by_.insert(&node);
  }

  void resolve_sources() {
    std::map<Value*, Value*> source;
    for (Node& node : graph_.nodes()) {
      if (!moved_by_.count(&node)) continue;
      Value* from = node.inputs[0];
      if (auto it = source.find(from); it != source.end()) from = it->second;
      for (Value* value : node.outputs)
        if (value != nullptr && needed_.count(value)) source[value] = from;
    }
    for (Value* value : needed_) {
      auto it = source.find(value);
      selection_.source[value] = it != source.end() ? it->second : value;
    }
  }

  Graph& graph_;
  const Recipe& recipe_;
  Selection selection_;
  std::set<const Node*> is_target_, moved_by_;
  std::set<const Value*> derived_;
  std::set<Value*> needed_;
};

}  // namespace

Node* absorbed_behind(const Node& node) {
  const Value* out = node.output(0);
  if (out == nullptr || out->consumers.size() != 1 || out->graph_outputs > 0) return nullptr;
  Node* next = out->consumers[0];
  if ((node.op->quantizable || node.op->lower != nullptr) && !ops::copies_bytes(node) && next->op->domain.empty() &&
      (next->op->name == "Relu" || next->op->name == "Clip") && next->inputs[0] == out)
    return next;
  // A function of one operand is computed on the exact sum: rounding in front of it as well would cost twice, and in front of a
  // SiLU most of the range would go to values that it makes zero.
  if (node.op->quantizable && next->op->scalar_function != nullptr && next->inputs[0] == out) return next;
  if (node.op->name == "MatMul" && next->op->name == "Add" && node.inputs[1]->is_constant() && node.inputs[1]->shape->rank() == 2) {
    const Value* bias = next->inputs[0] == out ? next->inputs[1] : next->inputs[0];
    bool fits = bias->is_constant() && bias->shape->rank() == 1 && (*bias->shape)[0] == (*node.inputs[1]->shape)[1];
    return fits ? next : nullptr;
  }
  return nullptr;
}

LayerReport report_of(const Node& node) {
  LayerReport report{node.name.empty() ? node.outputs[0]->name : node.name, std::string(node.op->name), "float", {}, node_cost(node).macs, 0};
  const Value* weights = constant_behind(node.input(1));
  EightBit part = eight_bit_part(node);
  if (weights != nullptr && (weights->dtype == DType::kFloat32 || part != EightBit::kNone))
    report.weight_bytes = static_cast<int64_t>(weights->raw_constant().bytes());
  if (part != EightBit::kNone) {
    report.treatment = kAsItWas;
    report.reason = part == EightBit::kWhole ? kComputesInBytes : "its weights are 8-bit already";
  }
  return report;
}

Selection select_layers(Graph& graph, const Recipe& recipe) { return Selector(graph, recipe).run(); }

}  // namespace octet
