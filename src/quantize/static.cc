// Static quantization: every range is fixed before the model ships (1712.05877, 2004.09602).
//
// Each selected value gets a QuantizeLinear/DequantizeLinear pair and its readers read the latter; weights become signed 8-bit
// constants behind a DequantizeLinear, biases int32 constants at input scale · weight scale.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "graph/operator.h"
#include "quantize/channel_axis.h"
#include "quantize/prepare.h"
#include "quantize/quantize.h"
#include "quantize/weights.h"

namespace octet {

namespace {

struct Affine { float scale; int zero_point; };

class StaticQuantizer {
 public:
  StaticQuantizer(Graph& graph, const Recipe& recipe, const Statistics& statistics, Selection selection)
      : graph_(graph), recipe_(recipe), statistics_(statistics), selection_(std::move(selection)) {}

  int run() {
    // Parameters first: they are looked up by the names that calibration saw.
    for (auto& [value, source] : selection_.source) parameters_[value] = parameters_of(*source);
    for (Node* node : selection_.targets) quantize_weights_of(*node);
    // By name: addresses differ from run to run, and with them the order of what is inserted.
    std::map<std::string, Value*> by_name;
    for (const auto& [value, affine] : parameters_) by_name[value->name] = value;
    for (const auto& [name, value] : by_name) insert_pair(*value, parameters_.at(value));
    return static_cast<int>(parameters_.size());
  }

 private:
  Affine parameters_of(const Value& value) {
    TensorStatistics own;
    const TensorStatistics* statistics = &own;
    if (value.is_constant()) {
      own.add(value.constant().values<float>());
    } else {
      auto it = statistics_.find(value.name);
      require(it != statistics_.end(), ErrorCode::kInvalidArgument, "the calibration has no statistics for '", value.name, "'");
      statistics = &it->second;
    }
    RangeOptions options = recipe_.layer("", "").range;
    if (value.producer != nullptr) options = recipe_.layer(value.producer->name, value.producer->op->name).range;
    const Node* function = only_function(value);
    Range range = function == nullptr ? choose_range(*statistics, options)
                                      : choose_range_through(*statistics, options, [&](double x) { return function->op->scalar_function(*function, x); });
    float scale = static_cast<float>((static_cast<double>(range.highest) - range.lowest) / 255.0);
    if (!(scale >= 1e-30f)) scale = 1.0f;
    int zero_point = static_cast<int>(std::nearbyint(-static_cast<double>(range.lowest) / scale));
    zero_point = std::min(std::max(zero_point, 0), 255);
    if (options.symmetric) zero_point = 128;
    return {scale, recipe_.activations == DType::kInt8 ? zero_point - 128 : zero_point};
  }

  // The scalar function that is the only reader of a value, or null.
  static const Node* only_function(const Value& value) {
    if (value.consumers.size() != 1 || value.graph_outputs > 0) return nullptr;
    const Node* reader = value.consumers[0];
    return reader->op->scalar_function != nullptr ? reader : nullptr;
  }

  Value* zero_point_constant(const std::string& name, int zero_point) {
    Tensor tensor = recipe_.activations == DType::kInt8 ? Tensor::scalar(static_cast<int8_t>(zero_point)) : Tensor::scalar(static_cast<uint8_t>(zero_point));
    return graph_.add_constant(name + "_zero_point", std::move(tensor));
  }

  void insert_pair(Value& value, const Affine& affine) {
    const std::string name = value.name;
    std::vector<Node*> readers = value.consumers;
    Node* place = value.producer != nullptr ? behind(*value.producer) : (graph_.nodes().empty() ? nullptr : &graph_.nodes().front());
    Value* scale = graph_.add_constant(name + "_scale", Tensor::scalar(affine.scale));
    Value* zero_point = zero_point_constant(name, affine.zero_point);
    Value* eight_bit;
    if (value.is_constant()) {
      Node* quantize = graph_.add_node("", "QuantizeLinear", {&value, scale, zero_point}, name + "_quantized", place);
      infer_node(*quantize);
      const Tensor* inputs[] = {&value.constant(), &scale->constant(), &zero_point->constant()};
      eight_bit = graph_.add_constant(name + "_quantized", evaluate_node(*quantize, inputs)[0]);
      graph_.remove_node(quantize);
    } else {
      Node* quantize = graph_.add_node("", "QuantizeLinear", {&value, scale, zero_point}, name + "_quantized", place);
      infer_node(*quantize);
      eight_bit = quantize->outputs[0];
    }
    Node* dequantize = graph_.add_node("", "DequantizeLinear", {eight_bit, scale, zero_point}, name + "_dequantized", place);
    infer_node(*dequantize);
    for (Node* reader : readers)
      for (size_t i = 0; i < reader->inputs.size(); ++i)
        if (reader->inputs[i] == &value) graph_.set_input(reader, i, dequantize->outputs[0]);
  }

  Node* behind(Node& node) {
    auto next = std::next(node.position);
    return next == graph_.nodes().end() ? nullptr : &*next;
  }

  void quantize_weights_of(Node& node) {
    Value* weights = node.inputs[1];
    if (!weights->is_constant()) return;   // a product of two activations
    Recipe::Layer settings = recipe_.layer(node.name.empty() ? node.outputs[0]->name : node.name, node.op->name);
    int64_t axis = weight_channel_axis(node);
    Granularity granularity = axis < 0 ? Granularity::kTensor : settings.weights;
    if (axis < 0) axis = 0;
    auto input = parameters_.find(node.inputs[0]);
    float input_scale = input != parameters_.end() ? input->second.scale : 1.0f;
    Value* bias = node.input(2);
    std::vector<float> least;
    bool plain = node.attributes.real("alpha", 1) == 1 && node.attributes.real("beta", 1) == 1;
    bool integer_bias = bias != nullptr && bias->is_constant() && plain && input != parameters_.end() && bias->shape->rank() == 1;
    if (integer_bias) {
      auto values = bias->constant().values<float>();
      if (granularity == Granularity::kTensor) {
        least.assign(1, 0.0f);
        for (float value : values) least[0] = std::max(least[0], scale_for_bias(value, input_scale));
      } else {
        for (float value : values) least.push_back(scale_for_bias(value, input_scale));
      }
      // A channel of zeros takes its scale from the bias, finely: a step of input_scale · 1 would round the bias itself.
      raise_for_empty_channels(weights->constant(), axis, granularity, values, input_scale, least);
    }
    QuantizedWeights quantized = quantize_weights(weights->constant(), axis, granularity, least);
    Value* scales = scale_constant(weights->name + "_scale", quantized.scales, granularity);
    Value* values = graph_.add_constant(weights->name + "_quantized", quantized.values);
    // No zero point: it is 0 then, and a file of many channels need not say so for each.
    Node* dequantize = graph_.add_node("", "DequantizeLinear", {values, scales}, weights->name + "_dequantized", &node);
    if (granularity == Granularity::kChannel) dequantize->attributes.set("axis", axis);
    infer_node(*dequantize);
    graph_.set_input(&node, 1, dequantize->outputs[0]);
    if (integer_bias) quantize_bias(node, *bias, quantized.scales, granularity, input_scale);
  }

  static void raise_for_empty_channels(const Tensor& weights, int64_t axis, Granularity granularity, std::span<const float> bias, float input_scale,
                                       std::vector<float>& least) {
    if (granularity != Granularity::kChannel) return;
    const Shape& shape = weights.shape();
    int64_t channels = shape[static_cast<int>(axis)], inner = shape.elements(static_cast<int>(axis) + 1, shape.rank());
    std::vector<bool> empty(static_cast<size_t>(channels), true);
    const float* w = weights.data<float>();
    for (int64_t i = 0, count = weights.elements(); i < count; ++i)
      if (w[i] != 0) empty[static_cast<size_t>(i / inner % channels)] = false;
    for (size_t c = 0; c < empty.size(); ++c)
      if (empty[c] && bias[c] != 0) least[c] = std::abs(bias[c]) / (input_scale * (1 << 20));
  }

  Value* scale_constant(const std::string& name, const std::vector<float>& scales, Granularity granularity) {
    if (granularity == Granularity::kTensor) return graph_.add_constant(name, Tensor::scalar(scales[0]));
    return graph_.add_constant(name, Tensor::from<float>(Shape{static_cast<int64_t>(scales.size())}, scales));
  }

  void quantize_bias(Node& node, Value& bias, const std::vector<float>& weight_scales, Granularity granularity, float input_scale) {
    auto values = bias.constant().values<float>();
    Tensor integers(DType::kInt32, bias.constant().shape());
    std::vector<float> scales;
    for (float scale : weight_scales) scales.push_back(scale * input_scale);
    for (size_t c = 0; c < values.size(); ++c) {
      double q = std::nearbyint(static_cast<double>(values[c]) / scales[std::min(c, scales.size() - 1)]);
      integers.data<int32_t>()[c] = static_cast<int32_t>(std::min(std::max(q, -2147483648.0), 2147483647.0));
    }
    Value* scale = scale_constant(bias.name + "_scale", scales, granularity);
    Value* quantized = graph_.add_constant(bias.name + "_quantized", std::move(integers));
    Node* dequantize = graph_.add_node("", "DequantizeLinear", {quantized, scale}, bias.name + "_dequantized", &node);
    if (granularity == Granularity::kChannel) dequantize->attributes.set("axis", int64_t{0});
    infer_node(*dequantize);
    graph_.set_input(&node, 2, dequantize->outputs[0]);
  }

  Graph& graph_;
  const Recipe& recipe_;
  const Statistics& statistics_;
  Selection selection_;
  std::map<Value*, Affine> parameters_;
};

}  // namespace

std::vector<std::string> values_to_observe(const Model& prepared, const Recipe& recipe) {
  Model copy = prepared.clone();
  std::vector<std::string> names;
  for (const auto& [value, source] : select_layers(*copy.graph, recipe).source)
    if (!source->is_constant() && std::find(names.begin(), names.end(), source->name) == names.end()) names.push_back(source->name);
  std::sort(names.begin(), names.end());
  return names;
}

QuantizeResult quantize_static(const Model& prepared, const Recipe& recipe, const Statistics& statistics) {
  QuantizeResult result;
  result.model = prepared.clone();
  Graph& graph = *result.model.graph;
  Selection selection = select_layers(graph, recipe);
  result.layers = selection.layers;
  result.quantized_values = StaticQuantizer(graph, recipe, statistics, std::move(selection)).run();
  finish_model(result.model);
  return result;
}

}  // namespace octet
