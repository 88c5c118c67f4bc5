#include "quantize/raise_opset.h"

#include "base/error.h"
#include "graph/operator.h"

namespace octet {

namespace {

constexpr int kHighestTarget = 21;

class Converter {
 public:
  Converter(Graph& graph, int from, int to) : graph_(graph), from_(from), to_(to) {}

  void run() {
    for (Node& node : graph_.nodes()) {
      for (const auto& [name, value] : node.attributes)
        if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) Converter(**body, from_, to_).run();
      if (!node.op->domain.empty()) continue;
      std::string name(node.op->name);
      try {
        convert(node, name);
      } catch (const Error& error) {
        throw error.with_node(node.label());
      }
      const OperatorDef* definition = find_operator("", name, to_);
      require(definition != nullptr, ErrorCode::kUnsupported, "operator ", name, " does not exist at opset ", to_);
      node.op = definition;
      node.version = to_;
    }
    graph_.opsets[""] = to_;
  }

 private:
  // Which inputs became of which attributes, and when.
  void convert(Node& node, std::string& name) {
    if (to_ >= 18 && from_ < 18) {
      bool reduction = name.starts_with("Reduce") && name != "ReduceSum";
      if (reduction) list_to_input(node, "axes", 1);
      if (name == "Split" && node.input(1) == nullptr) node.attributes.set("num_outputs", static_cast<int64_t>(node.outputs.size()));
    }
    if (to_ >= 20 && from_ < 20 && name == "GridSample") {
      std::string mode = node.attributes.string("mode", "bilinear");
      node.attributes.set("mode", mode == "bilinear" ? std::string("linear") : mode == "bicubic" ? std::string("cubic") : mode);
    }
    if (to_ >= 21 && from_ < 21) require(name != "GroupNormalization", ErrorCode::kUnsupported, "GroupNormalization takes other parameters from opset 21 on");
    if (from_ < 13) {
      if (name == "Squeeze" || name == "Unsqueeze" || name == "ReduceSum") list_to_input(node, "axes", 1);
      if (name == "Split") list_to_input(node, "split", 1);
      if (name == "Softmax" || name == "LogSoftmax" || name == "Hardmax") softmax(node);
    }
    if (from_ < 12 && name == "Dropout") node.attributes.erase("ratio");   // only training used it
    if (from_ < 11) {
      if (name == "Clip") {
        scalar_to_input(node, "min", 1);
        scalar_to_input(node, "max", 2);
      }
      if (name == "Pad") {
        list_to_input(node, "pads", 1);
        scalar_to_input(node, "value", 2);
      }
      if (name == "Scatter") name = "ScatterElements";
      if (name == "Scan" && from_ < 9) fail(ErrorCode::kUnsupported, "Scan of opset 8 has a batch axis that newer ones lack");
    }
    if (from_ < 10) {
      if (name == "Slice") {
        list_to_input(node, "starts", 1);
        list_to_input(node, "ends", 2);
        list_to_input(node, "axes", 3);
      }
      if (name == "TopK") {
        Tensor k = Tensor::of<int64_t>({node.attributes.integer("k")});
        node.attributes.erase("k");
        graph_.set_input(&node, 1, graph_.add_constant(node.outputs[0]->name + "_k", std::move(k)));
      }
    }
    if (from_ < 9 && name == "BatchNormalization") {
      require(node.attributes.integer("spatial", 1) == 1, ErrorCode::kUnsupported, "per-activation normalization has no newer form");
      node.attributes.erase("spatial");
    }
    if (name == "Upsample") upsample(node, name);
    if (from_ == 10 && name == "Resize") resize_from_scales(node);
  }

  void list_to_input(Node& node, const char* attribute, size_t index) {
    if (!node.attributes.has(attribute)) return;
    auto list = node.attributes.integers(attribute);
    Tensor tensor = Tensor::from<int64_t>(Shape{static_cast<int64_t>(list.size())}, list);
    node.attributes.erase(attribute);
    graph_.set_input(&node, index, graph_.add_constant(text(node.outputs[0]->name, "_", attribute), std::move(tensor)));
  }

  void scalar_to_input(Node& node, const char* attribute, size_t index) {
    if (!node.attributes.has(attribute)) return;
    float value = node.attributes.real(attribute);
    node.attributes.erase(attribute);
    graph_.set_input(&node, index, graph_.add_constant(text(node.outputs[0]->name, "_", attribute), Tensor::scalar(value)));
  }

  // Before opset 13 everything from `axis` on was one axis.
  void softmax(Node& node) {
    int64_t axis = node.attributes.integer("axis", 1);
    const Value* x = node.inputs[0];
    require(x->shape.has_value(), ErrorCode::kUnsupported, "its rank must be known to express it in opset 13");
    int rank = x->shape->rank();
    if (axis < 0) axis += rank;
    for (int later = static_cast<int>(axis) + 1; later < rank; ++later)
      require((*x->shape)[later] == 1, ErrorCode::kUnsupported, "it normalizes over several axes at once, which opset 13 cannot express");
    node.attributes.set("axis", axis);
  }

  void upsample(Node& node, std::string& name) {
    if (node.attributes.has("scales")) {
      auto scales = node.attributes.reals("scales");
      Tensor tensor = Tensor::from<float>(Shape{static_cast<int64_t>(scales.size())}, scales);
      node.attributes.erase("scales");
      graph_.set_input(&node, 1, graph_.add_constant(node.outputs[0]->name + "_scales", std::move(tensor)));
    }
    name = "Resize";
    resize_from_scales(node);
  }

  void resize_from_scales(Node& node) {
    Value* scales = node.inputs[1];
    graph_.set_input(&node, 1, nullptr);
    graph_.set_input(&node, 2, scales);
    node.attributes.set("coordinate_transformation_mode", std::string("asymmetric"));
    node.attributes.set("nearest_mode", std::string("floor"));
  }

  Graph& graph_;
  int from_, to_;
};

}  // namespace

void raise_opset(Graph& graph, int opset) {
  auto import = graph.opsets.find("");
  int from = import != graph.opsets.end() ? import->second : 1;
  if (from >= opset) return;
  require(opset <= kHighestTarget, ErrorCode::kUnsupported, "raising a model from opset ", from, " to ", opset, " is not supported");
  Converter(graph, from, opset).run();
  graph.verify();
}

}  // namespace octet
