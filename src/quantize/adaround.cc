#include "quantize/adaround.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "graph/operator.h"
#include "ops/nibbles.h"
#include "quantize/round_layer.h"
#include "runtime/session.h"

namespace octet {

namespace {

constexpr int64_t kMostRows = 4096, kFewestRows = 512;
constexpr int64_t kMostFloats = int64_t{24} << 20;    // of a layer's rows
constexpr int64_t kMostWork = int64_t{2} << 30;       // multiplications that one pass over a layer's weights may take

// A layer whose weights are rounded, and its float form.
struct Target {
  Node* node;            // in the quantized model
  const Node* source;    // in the float model
};

bool is_rounded_integer(const Node& dequantize) {
  DType type = dequantize.inputs[0]->dtype;
  if (type != DType::kInt8 && type != DType::kInt4) return false;
  const Value* zero = dequantize.input(2);
  return zero == nullptr && dequantize.outputs[0]->consumers.size() == 1 && dequantize.outputs[0]->graph_outputs == 0;
}

std::vector<Target> find_targets(Graph& quantized, const Graph& prepared) {
  std::vector<Target> targets;
  for (Node& node : quantized.nodes()) {
    if (!has_rounded_weights(node) || !is_rounded_integer(*node.inputs[1]->producer)) continue;
    const Value* value = prepared.find_value(node.output(0)->name);
    const Node* source = value != nullptr ? value->producer : nullptr;
    if (source == nullptr || source->op->name != node.op->name || !has_rows(*source)) continue;
    const Value* weights = source->input(1);
    if (!weights->is_constant() || weights->dtype != DType::kFloat32 || weights->shape != node.inputs[1]->producer->inputs[0]->shape) continue;
    if (node.inputs[0]->is_constant() || node.inputs[0]->dtype != DType::kFloat32) continue;
    targets.push_back({&node, source});
  }
  return targets;
}

// Between a tensor of weights and [outputs][inputs].
class Arrangement {
 public:
  explicit Arrangement(const Node& source) {
    const Shape& shape = *source.inputs[1]->shape;
    convolution_ = source.op->name == "Conv";
    bool rows = convolution_ || (source.op->name == "Gemm" && source.attributes.integer("transB", 0) != 0);
    outputs = rows ? shape[0] : shape[1];
    inputs = rows ? shape.elements(1, shape.rank()) : shape[0];
    taps = convolution_ ? shape.elements(2, shape.rank()) : 1;
    groups = convolution_ ? source.attributes.integer("group", 1) : 1;
    output_axis = rows ? 0 : 1;
    input_axis = 1 - output_axis;
    output_step_ = rows ? inputs : 1;
    input_step_ = rows ? 1 : outputs;
  }
  size_t element(int64_t output, int64_t input) const { return static_cast<size_t>(output * output_step_ + input * input_step_); }

  int64_t outputs, inputs, taps, groups;
  int output_axis, input_axis;

 private:
  bool convolution_;
  int64_t output_step_, input_step_;
};

// How the scales of a DequantizeLinear are spread over a layer's weights.
struct ScaleLayout {
  std::vector<int64_t> of_input;    // which of an output's scales an input has
  int64_t each = 1;                 // scales per output
  int64_t output_step = 0, step = 0;   // element of the tensor: output · output_step + index · step
  bool blocks = false;
  bool known = true;
};

ScaleLayout scale_layout(const Node& dequantize, const Arrangement& a) {
  ScaleLayout layout;
  layout.of_input.assign(static_cast<size_t>(a.inputs), 0);
  const Tensor& scales = dequantize.inputs[1]->constant();
  int64_t block = dequantize.attributes.integer("block_size", 0), axis = dequantize.attributes.integer("axis", 1);
  if (axis < 0) axis += dequantize.inputs[0]->shape->rank();
  if (block > 0) {
    const int64_t channels = a.inputs / a.taps, blocks = (channels + block - 1) / block;
    layout.known = axis == a.input_axis && scales.elements() == a.outputs * blocks * a.taps;
    layout.blocks = true;
    layout.each = blocks * a.taps;
    for (int64_t k = 0; k < a.inputs; ++k) layout.of_input[static_cast<size_t>(k)] = k / a.taps / block * a.taps + k % a.taps;
    layout.output_step = a.output_axis == 0 ? layout.each : 1;
    layout.step = a.output_axis == 0 ? 1 : a.outputs;
  } else if (scales.elements() > 1) {
    layout.known = axis == a.output_axis && scales.elements() == a.outputs;
    layout.output_step = 1;
  }
  return layout;
}

std::vector<float> vector_of(const Value* value, int64_t count) {
  if (value == nullptr || !value->is_constant() || value->dtype != DType::kFloat32 || value->constant().elements() != count) return {};
  auto values = value->constant().values<float>();
  return {values.begin(), values.end()};
}

// What the quantized model, as it is so far, has at a value: one run over the frames for all layers that read it.
class QuantizedInputs {
 public:
  QuantizedInputs(const Model& quantized, const KeptFrames& frames, const SessionOptions& options) : quantized_(quantized), frames_(frames), options_(options) {}

  // Calls `use` for every frame in order.
  void show(const Value& value, const std::function<void(size_t frame, const Tensor& tensor)>& use) {
    const auto& inputs = quantized_.graph->inputs;
    if (auto it = std::find(inputs.begin(), inputs.end(), &value); it != inputs.end()) {
      for (size_t frame = 0; frame < frames_.size(); ++frame) use(frame, frames_[frame][static_cast<size_t>(it - inputs.begin())]);
      return;
    }
    if (value.name == name_) {
      for (size_t frame = 0; frame < kept_.size(); ++frame) use(frame, kept_[frame]);
      return;
    }
    name_.clear();
    kept_.clear();
    size_t bytes = 0;
    const bool again = value.consumers.size() > 1;
    Session session = make_session(up_to(quantized_, value.name), options_, engine_);
    engine_.pool = session.implementation().pool;
    for (size_t frame = 0; frame < frames_.size(); ++frame) {
      check_interrupt();
      const Tensor& tensor = session.run(frames_[frame])[0];
      use(frame, tensor);
      if (!again) continue;
      bytes += tensor.bytes();
      if (bytes <= kMostBytes) kept_.push_back(tensor.clone());
    }
    if (again && bytes <= kMostBytes) name_ = value.name;
  }

 private:
  static constexpr size_t kMostBytes = size_t{256} << 20;
  const Model& quantized_;
  const KeptFrames& frames_;
  SessionOptions options_;
  EngineOptions engine_;
  std::string name_;
  std::vector<Tensor> kept_;
};

class AdaRound {
 public:
  AdaRound(Model& quantized, const AdaRoundOptions& adaround, const SessionOptions& options)
      : graph_(*quantized.graph), adaround_(adaround), pool_(shared_thread_pool(options.threads > 0 ? options.threads : hardware_threads())) {}

  // Returns whether the layer's rounding changed, and by how much its objective fell.
  RoundingGain round(const Target& target, const std::function<void(RowSampler&)>& fill, int64_t frames) {
    const Node& source = *target.source;
    Arrangement a(source);
    Node& dequantize = *target.node->inputs[1]->producer;
    ScaleLayout layout = scale_layout(dequantize, a);
    if (!layout.known) return {};
    int64_t most = std::min({kMostRows, kMostFloats / (a.inputs * a.groups + a.outputs), kMostWork / (a.inputs * a.outputs)});
    RowSampler sampler(source, frames, std::max(most, kFewestRows));
    fill(sampler);

    const bool four = dequantize.inputs[0]->dtype == DType::kInt4;
    Tensor integers = four ? ops::unpack_nibbles(dequantize.inputs[0]->constant()) : dequantize.inputs[0]->constant().clone();
    Tensor scales = dequantize.inputs[1]->constant().clone();
    const float* weights = source.inputs[1]->constant().data<float>();
    LayerRounding layer;
    layer.outputs = a.outputs;
    layer.inputs = a.inputs;
    layer.groups = a.groups;
    layer.scale_of = layout.of_input;
    layer.scales_each = layout.each;
    layer.lowest = four ? -8 : -127;
    layer.highest = four ? 7 : 127;
    layer.free_scales = layout.blocks;
    for (int64_t o = 0; o < a.outputs; ++o) {
      for (int64_t k = 0; k < a.inputs; ++k) {
        layer.weights.push_back(weights[a.element(o, k)]);
        layer.values.push_back(integers.data<int8_t>()[a.element(o, k)]);
      }
      for (int64_t s = 0; s < layout.each; ++s) layer.scales.push_back(scales.data<float>()[o * layout.output_step + s * layout.step]);
    }
    LayerBias bias = find_bias(*target.node);
    const bool product = source.op->name == "MatMul";
    if (!product) layer.biases = vector_of(source.input(2), a.outputs);
    if (!product && source.input(2) != nullptr && layer.biases.empty()) return {};   // a bias that is computed
    if (product && bias.constant != nullptr) layer.behind = vector_of(bias.constant, a.outputs);
    layer.free_bias = adaround_.move_biases && bias.constant != nullptr && bias.constant->constant().elements() == a.outputs;
    RoundingGain gain = round_layer(layer, sampler.fitting(), sampler.judging(), PassedShare(source), *pool_);
    if (!gain.better) return gain;

    for (int64_t o = 0; o < a.outputs; ++o) {
      for (int64_t k = 0; k < a.inputs; ++k) integers.data<int8_t>()[a.element(o, k)] = layer.values[static_cast<size_t>(o * a.inputs + k)];
      if (layout.blocks)
        for (int64_t s = 0; s < layout.each; ++s) scales.data<float>()[o * layout.output_step + s * layout.step] = layer.scales[static_cast<size_t>(o * layout.each + s)];
    }
    if (four) {
      Tensor packed(DType::kInt4, integers.shape());
      ops::pack_nibbles(integers.raw(), integers.elements(), packed.raw());
      integers = std::move(packed);
    }
    graph_.set_input(&dequantize, 0, graph_.add_constant(dequantize.inputs[0]->name, std::move(integers)));
    if (layout.blocks) graph_.set_input(&dequantize, 1, graph_.add_constant(dequantize.inputs[1]->name, std::move(scales)));
    if (!layer.shift.empty()) subtract_from_bias(graph_, bias, layer.shift);
    return gain;
  }

 private:
  Graph& graph_;
  AdaRoundOptions adaround_;
  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace

AdaRoundSummary round_adaptively(Model& quantized, const Model& prepared, const KeptFrames& frames, const AdaRoundOptions& adaround, const SessionOptions& options,
                                 const std::function<void(int64_t done, int64_t total)>& progress) {
  std::vector<Target> targets = find_targets(*quantized.graph, *prepared.graph);
  std::vector<std::string> names, input_names;
  for (const Target& target : targets) {
    names.push_back(target.node->output(0)->name);
    input_names.push_back(target.source->inputs[0]->name);
  }
  FloatResults exact(prepared, names, frames, options), exact_inputs(prepared, input_names, frames, options);
  QuantizedInputs inputs(quantized, frames, options);
  AdaRound method(quantized, adaround, options);
  AdaRoundSummary summary;
  for (size_t i = 0; i < targets.size(); ++i) {
    check_interrupt();
    if (progress) progress(static_cast<int64_t>(i), static_cast<int64_t>(targets.size()));
    const std::vector<Tensor>& wanted = exact.of(i);
    if (wanted.size() != frames.size()) continue;   // a layer in a branch that was not taken
    RoundingGain gain = method.round(targets[i], [&](RowSampler& sampler) {
      inputs.show(*targets[i].node->inputs[0], [&](size_t frame, const Tensor& seen) { sampler.add(seen, wanted[frame]); });
    }, static_cast<int64_t>(frames.size()));
    // Where roundings before it changed which rows come (behind TopK, say), the layer is to do well on the float model's.
    if (gain.lost && exact_inputs.of(i).size() == frames.size()) {
      gain = method.round(targets[i], [&](RowSampler& sampler) {
        for (size_t frame = 0; frame < frames.size(); ++frame) sampler.add(exact_inputs.of(i)[frame], wanted[frame]);
      }, static_cast<int64_t>(frames.size()));
    }
    ++(gain.better ? summary.layers : summary.kept);
    if (gain.better) summary.gain_db += 10 * std::log10(gain.before / std::max(gain.after, gain.before * 1e-12));
  }
  if (summary.layers > 0) summary.gain_db /= summary.layers;
  quantized.graph->remove_dead();
  return summary;
}

std::string note_of(const AdaRoundSummary& summary) {
  return text("rounding (adaround): ", summary.layers, " layers, ", static_cast<int>(summary.gain_db * 10) / 10.0, " dB nearer to the float model each; ",
              summary.kept, " to the nearest");
}

}  // namespace octet
