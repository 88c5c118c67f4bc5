// Shape inference and constant folding, one forward sweep: a shape computed from a shape is a constant by the time
// its Reshape is reached.
#include "base/error.h"
#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

struct Sweep {
  const PassOptions& options;
  bool dequantize;   // fold DequantizeLinear of constants too
  int folded = 0;

  bool is_foldable(const Node& node) const {
    const OperatorDef& op = *node.op;
    if (!op.deterministic || op.has_bodies || op.domain == "octet") return false;
    if (op.dequantizes && !dequantize) return false;
    for (const Value* value : node.inputs) {
      if (value == nullptr) continue;
      bool known = value->is_constant() || (op.reads_only_shape && value->has_concrete_shape());
      if (!known) return false;
    }
    int64_t bytes = 0;
    for (const Value* value : node.outputs)
      if (value != nullptr && value->has_concrete_shape() && dtype_bits(value->dtype) != 0) {
        if (value->shape->elements() > options.largest_folded_bytes) return false;
        bytes += static_cast<int64_t>(tensor_bytes(value->dtype, value->shape->elements()));
      }
    return bytes <= options.largest_folded_bytes;
  }

  void fold(Node& node) {
    std::vector<Tensor> shapes_only(node.inputs.size());
    std::vector<const Tensor*> inputs(node.inputs.size(), nullptr);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value* value = node.inputs[i];
      if (value == nullptr) continue;
      if (value->is_constant()) {
        inputs[i] = &value->constant();
      } else {
        shapes_only[i] = Tensor(value->dtype, *value->shape, nullptr, nullptr);
        inputs[i] = &shapes_only[i];
      }
    }
    std::vector<Tensor> results = evaluate_node(node, inputs, options.pool);
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i] != nullptr) node.outputs[i]->set_constant(std::move(results[i]));
  }

  void run(Graph& graph) {
    std::vector<Node*> done;
    for (Node& node : graph.nodes()) {
      if (node.op->has_bodies) enter_bodies(node);
      infer_node(node);
      if (node.op->has_bodies) {
        for (const auto& [name, value] : node.attributes)
          if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) run(**body);
      } else if (is_foldable(node)) {
        fold(node);
        done.push_back(&node);
      }
    }
    for (Node* node : done) graph.remove_node(node);
    folded += static_cast<int>(done.size());
  }

  // Bodies see the outer values they capture.
  static void enter_bodies(Node& node) {
    for (const auto& [name, value] : node.attributes) {
      const auto* body = std::get_if<std::shared_ptr<Graph>>(&value);
      if (body == nullptr) continue;
      for (const Capture& capture : (*body)->captures) {
        const Value& outer = *node.captures[capture.index];
        capture.inner->dtype = outer.dtype;
        capture.inner->shape = outer.shape;
        if (outer.is_constant() && !capture.inner->is_constant()) capture.inner->set_constant(outer.constant());
      }
    }
  }
};

}  // namespace

int fold_constants(Graph& graph, const PassOptions& options) {
  Sweep sweep{options, false};
  sweep.run(graph);
  return sweep.folded;
}

int fold_all_constants(Graph& graph, const PassOptions& options) {
  Sweep sweep{options, true};
  sweep.run(graph);
  return sweep.folded;
}

}  // namespace octet
