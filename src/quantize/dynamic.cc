// Dynamic quantization: weights are 8-bit, the range of each activation is found while the model runs (DynamicQuantizeLinear). No
// calibration data. Convolutions, matrix products and LSTM, in the form that ONNX Runtime's own quantizer writes:
//
//   x → DynamicQuantizeLinear → (q, s, z);  ConvInteger/MatMulInteger(q, w, z) → Cast → · (s · s_w) → + bias
#include <cmath>
#include <cstring>

#include "graph/operator.h"
#include "quantize/channel_axis.h"
#include "quantize/heads.h"
#include "quantize/prepare.h"
#include "quantize/quantize.h"
#include "quantize/weights.h"

namespace octet {

namespace {

class DynamicQuantizer {
 public:
  DynamicQuantizer(Graph& graph, const Recipe& recipe) : graph_(graph), recipe_(recipe) {}

  void run(QuantizeResult& result) {
    std::vector<Node*> nodes;
    for (Node& node : graph_.nodes()) nodes.push_back(&node);
    for (Node* node : nodes) {
      const OperatorDef& op = *node->op;
      if (op.macs == nullptr && !op.dynamic_quantizable) continue;
      LayerReport report = report_of(*node);
      bool constant_weights = node->input(1) != nullptr && node->inputs[1]->is_constant() && node->inputs[1]->dtype == DType::kFloat32;
      Recipe::Layer settings = recipe_.layer(report.layer, op.name);
      if (report.treatment == kAsItWas) {
        // Left alone.
      } else if (!op.dynamic_quantizable) report.reason = "the operator has no dynamic 8-bit form";
      else if (!settings.quantize) report.reason = settings.reason;
      else if (!constant_weights) report.reason = "both operands are computed at run time";
      else if (std::string reason = recipe_.asks_for_8_bits(report.layer, op.name) ? "" : head_reason(*node); !reason.empty()) {
        report.reason = std::move(reason);
        report.in_head = true;
      } else if (convert(*node, settings.weights, report.reason)) report.treatment = "int8";
      result.quantized_values += report.treatment == "int8";
      result.layers.push_back(std::move(report));
    }
  }

 private:
  struct DynamicInput { Value *values, *scale, *zero_point; };

  bool convert(Node& node, Granularity granularity, std::string& reason) {
    if (node.op->name == "Conv") return convert_product(node, "ConvInteger", granularity);
    if (node.op->name == "MatMul") return convert_product(node, "MatMulInteger", granularity);
    if (node.op->name == "Gemm") {
      if (node.attributes.integer("transA", 0) != 0 || node.attributes.real("alpha", 1) != 1 || node.attributes.real("beta", 1) != 1) {
        reason = "Gemm with transA, alpha or beta has no dynamic form";
        return false;
      }
      return convert_product(node, "MatMulInteger", granularity);
    }
    if (node.op->name == "LSTM") return convert_lstm(node, reason);
    reason = "the operator has no dynamic 8-bit form";
    return false;
  }

  Value* add(std::string_view op, std::vector<Value*> inputs, Node& before) {
    Node* node = graph_.add_node("", op, std::move(inputs), before.outputs[0]->name, &before);
    infer_node(*node);
    return node->outputs[0];
  }

  const DynamicInput& dynamic_input(Value* x, Node& before) {
    auto [entry, fresh] = inputs_.try_emplace(x);
    if (fresh) {
      // Directly behind its producer, so that all readers may share it.
      Node* place = &before;
      if (x->producer != nullptr) place = &*std::next(x->producer->position);
      else place = &graph_.nodes().front();
      Node* node = graph_.add_node("", "DynamicQuantizeLinear", {x}, x->name + "_quantized", place, 3);
      infer_node(*node);
      entry->second = {node->outputs[0], node->outputs[1], node->outputs[2]};
    }
    return entry->second;
  }

  // [K, N] from a Gemm's transposed [N, K].
  static Tensor transposed(const Tensor& tensor) {
    int64_t rows = tensor.shape()[0], columns = tensor.shape()[1];
    Tensor result(DType::kFloat32, Shape{columns, rows});
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) result.data<float>()[c * rows + r] = tensor.data<float>()[r * columns + c];
    return result;
  }

  bool convert_product(Node& node, std::string_view integer_op, Granularity granularity) {
    bool convolution = node.op->name == "Conv";
    Tensor weights = node.inputs[1]->constant();
    int64_t axis = weight_channel_axis(node);
    if (node.op->name == "Gemm" && node.attributes.integer("transB", 0) != 0) {
      weights = transposed(weights);
      axis = 1;
    }
    if (axis < 0) granularity = Granularity::kTensor;
    QuantizedWeights quantized = quantize_weights(weights, std::max<int64_t>(axis, 0), granularity, {});
    const std::string name = node.inputs[1]->name;
    const DynamicInput& x = dynamic_input(node.inputs[0], node);
    Value* values = graph_.add_constant(name + "_quantized", quantized.values);
    Value* zero_point = graph_.add_constant(name + "_zero_point", Tensor::scalar(int8_t{0}));
    Node* integer = graph_.add_node("", integer_op, {x.values, values, x.zero_point, zero_point}, node.outputs[0]->name, &node);
    if (convolution)
      for (const auto& [key, value] : node.attributes) integer->attributes.set(key, value);
    integer->name = node.name;
    infer_node(*integer);
    Value* product = integer->outputs[0];
    Value* result = add_cast(product, node);
    Value* scale = graph_.add_constant(name + "_scale", scale_tensor(quantized.scales, granularity, convolution ? node.inputs[1]->shape->rank() : 0));
    result = add("Mul", {result, add("Mul", {x.scale, scale}, node)}, node);
    if (Value* bias = node.input(2)) {
      if (convolution) {
        Tensor tensor = bias->constant();
        std::vector<int64_t> shape(static_cast<size_t>(node.inputs[1]->shape->rank()), 1);
        shape[1] = tensor.elements();
        bias = graph_.add_constant(bias->name + "_reshaped", tensor.reshaped(Shape(std::move(shape))));
      }
      result = add("Add", {result, bias}, node);
    }
    graph_.replace_uses(node.outputs[0], result);
    graph_.remove_node(&node);
    return true;
  }

  Value* add_cast(Value* value, Node& before) {
    Node* cast = graph_.add_node("", "Cast", {value}, before.outputs[0]->name, &before);
    cast->attributes.set("to", static_cast<int64_t>(DType::kFloat32));
    infer_node(*cast);
    return cast->outputs[0];
  }

  static Tensor scale_tensor(const std::vector<float>& scales, Granularity granularity, int convolution_rank) {
    if (granularity == Granularity::kTensor) return Tensor::scalar(scales[0]);
    std::vector<int64_t> shape{static_cast<int64_t>(scales.size())};
    if (convolution_rank > 0) {
      shape.assign(static_cast<size_t>(convolution_rank), 1);
      shape[1] = static_cast<int64_t>(scales.size());
    }
    return Tensor::from<float>(Shape(std::move(shape)), scales);
  }

  // com.microsoft.DynamicQuantizeLSTM takes W and R transposed, one scale per direction.
  bool convert_lstm(Node& node, std::string& reason) {
    if (node.input(2) == nullptr || !node.inputs[2]->is_constant() || node.inputs[2]->dtype != DType::kFloat32) {
      reason = "its recurrent weights are computed at run time";
      return false;
    }
    for (const std::string& activation : node.attributes.strings("activations"))
      if (activation != "Sigmoid" && activation != "Tanh" && activation != "sigmoid" && activation != "tanh") {
        reason = "it has unusual activations";
        return false;
      }
    if (node.attributes.integer("layout", 0) != 0) {
      reason = "batch-first LSTM has no dynamic form";
      return false;
    }
    std::vector<Value*> inputs = node.inputs;
    inputs.resize(12, nullptr);
    for (size_t i : {size_t{1}, size_t{2}}) {
      const Tensor& tensor = node.inputs[i]->constant();
      int64_t directions = tensor.shape()[0], rows = tensor.shape()[1], columns = tensor.shape()[2];
      Tensor values(DType::kInt8, Shape{directions, columns, rows});
      Tensor scales(DType::kFloat32, Shape{directions}), zeros(DType::kInt8, Shape{directions});
      std::memset(zeros.raw(), 0, zeros.bytes());
      for (int64_t d = 0; d < directions; ++d) {
        std::span<const float> matrix(tensor.data<float>() + d * rows * columns, static_cast<size_t>(rows * columns));
        QuantizedWeights quantized = quantize_weights(transposed(Tensor::from<float>(Shape{rows, columns}, matrix)), 0, Granularity::kTensor, {});
        std::memcpy(values.data<int8_t>() + d * rows * columns, quantized.values.raw(), quantized.values.bytes());
        scales.data<float>()[d] = quantized.scales[0];
      }
      const std::string& name = node.inputs[i]->name;
      inputs[i] = graph_.add_constant(name + "_quantized", std::move(values));
      inputs[6 + 2 * i] = graph_.add_constant(name + "_scale", std::move(scales));
      inputs[7 + 2 * i] = graph_.add_constant(name + "_zero_point", std::move(zeros));
    }
    const OperatorDef* op = find_operator("com.microsoft", "DynamicQuantizeLSTM", 1);
    std::vector<Value*> outputs;
    for (Value* old : node.outputs) {
      Value* fresh = old == nullptr ? nullptr : graph_.add_value(old->name);
      outputs.push_back(fresh);
    }
    Node* replacement = graph_.add_node(*op, std::move(inputs), outputs, &node);
    replacement->name = node.name;
    for (const auto& [key, value] : node.attributes) replacement->attributes.set(key, value);
    infer_node(*replacement);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i] != nullptr) graph_.replace_uses(node.outputs[i], outputs[i]);
    graph_.remove_node(&node);
    return true;
  }

  Graph& graph_;
  const Recipe& recipe_;
  std::map<Value*, DynamicInput> inputs_;
};

}  // namespace

QuantizeResult quantize_dynamic(const Model& prepared, const Recipe& recipe) {
  QuantizeResult result;
  result.model = prepared.clone();
  DynamicQuantizer(*result.model.graph, recipe).run(result);
  finish_model(result.model);
  return result;
}

}  // namespace octet
