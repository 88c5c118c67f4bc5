#include "quantize/bias_correction.h"

#include <algorithm>
#include <cmath>

#include "base/interrupt.h"
#include "graph/operator.h"
#include "quantize/layer_values.h"
#include "runtime/session.h"

namespace octet {

namespace {

// Layers whose weights come from a DequantizeLinear of constants and that have a bias, in graph order.
std::vector<Node*> correctable_layers(Graph& graph) {
  std::vector<Node*> layers;
  for (Node& node : graph.nodes()) {
    if (has_rounded_weights(node) && find_bias(node).constant != nullptr) layers.push_back(&node);
  }
  return layers;
}

int channel_axis(const Node& node, const Shape& output) { return node.op->name == "MatMul" ? output.rank() - 1 : 1; }

// The mean error of each channel, weighted by how much of it passes through the function behind the layer: what happens far below
// zero in front of a Relu or a SiLU must not move the rest.
class WeightedError {
 public:
  // `layer`: in the float model.
  explicit WeightedError(const Node& layer) : share_(layer) {}

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
          double weight = share_.of(*y);
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
  PassedShare share_;
  std::vector<double> sums_, weights_;
};

}  // namespace

int correct_biases(Model& quantized, const Model& prepared, const KeptFrames& frames, const SessionOptions& options,
                   const std::function<void(int64_t done, int64_t total)>& progress) {
  Graph& graph = *quantized.graph;
  std::vector<Node*> layers = correctable_layers(graph);
  EngineOptions engine;
  std::vector<std::string> names;
  for (const Node* node : layers) names.push_back(node->output(0)->name);
  FloatResults exact(prepared, names, frames, options);
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
    subtract_from_bias(graph, find_bias(*layers[i]), error.means());
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
    subtract_from_bias(graph, find_bias(*node), errors);
    ++corrected;
  }
  graph.remove_dead();
  return corrected;
}

}  // namespace octet
