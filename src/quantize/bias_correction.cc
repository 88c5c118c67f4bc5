#include "quantize/bias_correction.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {

namespace {

// Where the bias of a quantized layer lies.
struct Bias {
  Value* constant = nullptr;         // int32 behind a DequantizeLinear, or float
  const Tensor* scales = nullptr;    // of the int32 form
  Node* reader = nullptr;            // whose input `index` the constant is
  size_t index = 0;
};

Bias find_bias(Node& node) {
  Bias bias;
  if (node.op->name == "MatMul") {
    // The addition of a constant behind it.
    const Value* out = node.output(0);
    if (out->consumers.size() != 1 || out->graph_outputs > 0 || out->consumers[0]->op->name != "Add") return bias;
    Node* add = out->consumers[0];
    size_t index = add->inputs[0] == out ? 1 : 0;
    Value* constant = add->inputs[index];
    const std::optional<Shape>& weights = node.inputs[1]->shape;
    if (!constant->is_constant() || constant->dtype != DType::kFloat32 || constant->shape->rank() != 1 || !weights || weights->rank() != 2 ||
        (*constant->shape)[0] != (*weights)[1])
      return bias;
    return {constant, nullptr, add, index};
  }
  Value* given = node.input(2);
  if (given == nullptr) return bias;
  if (given->is_constant()) return given->dtype == DType::kFloat32 ? Bias{given, nullptr, &node, 2} : bias;
  Node* dequantize = given->producer;
  if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[0]->is_constant() || !dequantize->inputs[1]->is_constant() ||
      dequantize->inputs[0]->dtype != DType::kInt32)
    return bias;
  return {dequantize->inputs[0], &dequantize->inputs[1]->constant(), dequantize, 0};
}

// bias −= errors, in a constant of its own.
void subtract(Graph& graph, const Bias& bias, const std::vector<double>& errors) {
  Tensor tensor = bias.constant->constant().clone();
  for (size_t c = 0; c < errors.size(); ++c) {
    if (bias.scales == nullptr) {
      tensor.data<float>()[c] = static_cast<float>(tensor.data<float>()[c] - errors[c]);
      continue;
    }
    double scale = bias.scales->data<float>()[bias.scales->elements() == 1 ? 0 : c];
    double moved = static_cast<double>(tensor.data<int32_t>()[c]) - std::nearbyint(errors[c] / scale);
    tensor.data<int32_t>()[c] = static_cast<int32_t>(std::clamp(moved, -2147483648.0, 2147483647.0));
  }
  graph.set_input(bias.reader, bias.index, graph.add_constant(bias.constant->name, std::move(tensor)));
}

// Layers whose weights come from a DequantizeLinear of constants and that have a bias, in graph order.
std::vector<Node*> correctable_layers(Graph& graph) {
  std::vector<Node*> layers;
  for (Node& node : graph.nodes()) {
    if (!node.op->quantizable || node.input(1) == nullptr) continue;
    const Node* dequantize = node.inputs[1]->producer;
    if (dequantize == nullptr || !dequantize->op->dequantizes || !dequantize->inputs[0]->is_constant()) continue;
    if (find_bias(node).constant != nullptr) layers.push_back(&node);
  }
  return layers;
}

int channel_axis(const Node& node, const Shape& output) { return node.op->name == "MatMul" ? output.rank() - 1 : 1; }

// The model up to one value, which becomes its only output.
Model up_to(const Model& model, const std::string& value_name) {
  Model part = model.clone();
  Graph& graph = *part.graph;
  for (Value* output : graph.outputs) output->graph_outputs = 0;
  graph.outputs.clear();
  graph.add_output(graph.find_value(value_name));
  graph.remove_dead();
  return part;
}

// The mean error of each channel, weighted by how much of it passes through the function behind the layer: what happens far below
// zero in front of a Relu or a SiLU must not move the rest.
class WeightedError {
 public:
  // `layer`: in the float model.
  explicit WeightedError(const Node& layer) {
    const Node* next = absorbed_behind(layer);
    if (next != nullptr && next->op->name == "Add") next = absorbed_behind(*next);
    if (next == nullptr || next->op->scalar_function == nullptr) return;
    // The squared slope, between the middles of steps.
    slopes_.resize(kSteps);
    for (int i = 0; i < kSteps; ++i) {
      double x = kLowest + (i + 0.5) * kStep;
      double slope = (next->op->scalar_function(*next, x + kStep / 2) - next->op->scalar_function(*next, x - kStep / 2)) / kStep;
      slopes_[static_cast<size_t>(i)] = std::isfinite(slope) ? std::min(slope * slope, 4.0) : 0;
    }
  }

  void add(const Tensor& seen, const Tensor& wanted, int axis) {
    const Shape& shape = seen.shape();
    if (shape != wanted.shape()) return;
    auto channels = static_cast<size_t>(shape[axis]);
    sums_.resize(channels, 0.0);
    weights_.resize(channels, 0.0);
    int64_t outer = shape.elements(0, axis), inner = shape.elements(axis + 1, shape.rank());
    const float *x = seen.data<float>(), *y = wanted.data<float>();
    for (int64_t o = 0; o < outer; ++o)
      for (size_t c = 0; c < channels; ++c) {
        double sum = 0, weights = 0;
        for (int64_t i = 0; i < inner; ++i, ++x, ++y) {
          double difference = static_cast<double>(*x) - *y;
          if (!std::isfinite(difference)) continue;
          double weight = weight_of(*y);
          sum += weight * difference;
          weights += weight;
        }
        sums_[c] += sum;
        weights_[c] += weights;
      }
  }

  std::vector<double> means() const {
    std::vector<double> means;
    for (size_t c = 0; c < sums_.size(); ++c) means.push_back(weights_[c] > 0 ? sums_[c] / weights_[c] : 0);
    return means;
  }

 private:
  static constexpr int kSteps = 1024;
  static constexpr double kLowest = -16, kStep = 1.0 / 32;
  double weight_of(float y) const {
    if (slopes_.empty()) return 1;
    double at = (static_cast<double>(y) - kLowest) / kStep;
    return slopes_[at > 0 ? std::min(static_cast<size_t>(std::min(at, 1e6)), slopes_.size() - 1) : 0];
  }
  std::vector<double> slopes_, sums_, weights_;
};

// What the float model has at some layers, on all frames; for as many layers at once as a bound on memory permits.
class FloatResults {
 public:
  FloatResults(const Model& prepared, const std::vector<Node*>& layers, const std::vector<std::vector<Tensor>>& frames, const SessionOptions& options)
      : prepared_(prepared), frames_(frames), options_(options) {
    for (const Node* node : layers) names_.push_back(node->output(0)->name);
  }

  // Of layer i, per frame. Layers are asked for in order.
  const std::vector<Tensor>& of(size_t i) {
    while (i >= first_ + kept_.size()) load(i);
    return kept_[i - first_];
  }

 private:
  static constexpr size_t kBytes = size_t{256} << 20;

  void load(size_t first) {
    // One frame tells the sizes.
    std::vector<size_t> bytes(names_.size() - first, 0);
    std::span<const std::string> rest = std::span(names_).subspan(first);
    {
      WatchRun run(prepared_, rest, [&](size_t k, const Tensor& tensor) { bytes[k] = tensor.bytes(); }, options_);
      run.add_frame(frames_.front());
    }
    size_t count = 0;
    for (size_t sum = 0; count < bytes.size() && (count == 0 || sum + bytes[count] * frames_.size() <= kBytes); ++count) sum += bytes[count] * frames_.size();
    first_ = first;
    kept_.assign(count, {});
    WatchRun run(prepared_, rest.first(count), [&](size_t k, const Tensor& tensor) { kept_[k].push_back(tensor.clone()); }, options_);
    for (const std::vector<Tensor>& inputs : frames_) {
      check_interrupt();
      run.add_frame(inputs);
    }
  }

  const Model& prepared_;
  const std::vector<std::vector<Tensor>>& frames_;
  SessionOptions options_;
  std::vector<std::string> names_;
  size_t first_ = 0;
  std::vector<std::vector<Tensor>> kept_;
};

}  // namespace

void add_missing_biases(Model& prepared) {
  for (Node& node : prepared.graph->nodes()) {
    bool convolution = node.op->name == "Conv" || node.op->name == "ConvTranspose" || node.op->name == "Gemm";
    if (!convolution || !node.op->domain.empty() || node.input(2) != nullptr || !node.inputs[1]->is_constant()) continue;
    if (node.inputs[1]->dtype != DType::kFloat32) continue;
    WeightLayout layout = weight_layout(node);
    int64_t outputs = layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups;
    Tensor zeros(DType::kFloat32, Shape{outputs});
    std::fill_n(zeros.data<float>(), outputs, 0.0f);
    Value* bias = prepared.graph->add_constant(node.inputs[1]->name + "_bias", std::move(zeros));
    prepared.graph->set_input(&node, 2, bias);
  }
}

int correct_biases(Model& quantized, const Model& prepared, const std::vector<std::vector<Tensor>>& frames, const SessionOptions& options,
                   const std::function<void(int64_t done, int64_t total)>& progress) {
  Graph& graph = *quantized.graph;
  std::vector<Node*> layers = correctable_layers(graph);
  EngineOptions engine;
  FloatResults exact(prepared, layers, frames, options);
  for (size_t i = 0; i < layers.size(); ++i) {
    check_interrupt();
    if (progress) progress(static_cast<int64_t>(i), static_cast<int64_t>(layers.size()));
    const std::string& name = layers[i]->output(0)->name;
    const std::vector<Tensor>& wanted = exact.of(i);
    if (wanted.size() != frames.size()) continue;   // a layer in a branch that was not taken
    Session session = make_session(up_to(quantized, name), options, engine);
    engine.pool = session.implementation().pool;
    const Value* source = prepared.graph->find_value(name);
    WeightedError error(source->producer != nullptr ? *source->producer : *layers[i]);
    for (size_t frame = 0; frame < frames.size(); ++frame) {
      const Tensor& output = session.run(frames[frame])[0];
      error.add(output, wanted[frame], channel_axis(*layers[i], output.shape()));
    }
    subtract(graph, find_bias(*layers[i]), error.means());
  }
  graph.remove_dead();
  return static_cast<int>(layers.size());
}

int correct_biases_analytically(Model& quantized, const Model& prepared, const ChannelStatisticsMap& statistics) {
  Graph& graph = *quantized.graph;
  int corrected = 0;
  for (Node* node : correctable_layers(graph)) {
    const Value* source_output = prepared.graph->find_value(node->output(0)->name);
    if (source_output == nullptr || source_output->producer == nullptr) continue;
    const Node& source = *source_output->producer;
    if (source.op != node->op || source.input(1) == nullptr || !source.inputs[1]->is_constant()) continue;
    auto it = statistics.find(source.inputs[0]->name);
    if (it == statistics.end()) continue;
    const Node& dequantize = *node->inputs[1]->producer;
    std::vector<const Tensor*> inputs;
    for (const Value* value : dequantize.inputs) inputs.push_back(value != nullptr ? &value->constant() : nullptr);
    Tensor rounded = evaluate_node(dequantize, inputs)[0];
    const Tensor& exact = source.inputs[1]->constant();
    if (exact.shape() != rounded.shape() || exact.shape().rank() < 2) continue;
    WeightLayout layout = weight_layout(source);
    std::vector<double> errors(static_cast<size_t>(layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups), 0.0);
    bool fits = static_cast<int64_t>(it->second.channels()) == (layout.rows_are_outputs ? layout.columns * layout.groups : layout.rows);
    if (!fits) continue;
    for (int64_t i = 0, count = exact.elements(); i < count; ++i) {
      auto [input, output] = layout.channels_of(i);
      errors[static_cast<size_t>(output)] += (static_cast<double>(rounded.data<float>()[i]) - exact.data<float>()[i]) * it->second.mean(static_cast<size_t>(input));
    }
    subtract(graph, find_bias(*node), errors);
    ++corrected;
  }
  graph.remove_dead();
  return corrected;
}

}  // namespace octet
