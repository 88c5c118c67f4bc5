// What methods that go layer by layer share: where a layer's bias lies, how much of its result passes through the function behind it, and
// what the float model and the quantized one compute at a layer.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "octet/runtime.h"
#include "quantize/quantize.h"

namespace octet {

using KeptFrames = std::vector<std::vector<Tensor>>;   // a list of inputs per frame

// Where the bias of a quantized layer lies.
struct LayerBias {
  Value* constant = nullptr;         // int32 behind a DequantizeLinear, or float; null: there is none
  const Tensor* scales = nullptr;    // of the int32 form
  Node* reader = nullptr;            // whose input `index` the constant is
  size_t index = 0;
};
// Of Conv, ConvTranspose and Gemm their third input, of MatMul the addition of a constant behind it.
LayerBias find_bias(Node& node);
// bias −= errors (one per channel), in a constant of its own.
void subtract_from_bias(Graph& graph, const LayerBias& bias, const std::vector<double>& errors);
// Gives every convolution and Gemm with constant weights a bias (of zeros) where it has none, so that there is something to correct.
void add_missing_biases(Model& prepared);

// Whether the layer's weights are a DequantizeLinear of constants.
bool has_rounded_weights(const Node& node);

// How much an error of a layer's result weighs: the squared slope of the function behind it (Relu, SiLU ...) at the float result; 1
// where none is. What happens far below zero in front of a Relu changes nothing.
class PassedShare {
 public:
  explicit PassedShare(const Node& layer);   // in the float model
  bool is_one() const { return slopes_.empty(); }
  double of(float y) const {
    if (slopes_.empty()) return 1;
    double at = (static_cast<double>(y) - kLowest) / kStep;
    return slopes_[at > 0 ? std::min(static_cast<size_t>(std::min(at, 1e6)), slopes_.size() - 1) : 0];
  }

 private:
  static constexpr int kSteps = 1024;
  static constexpr double kLowest = -16, kStep = 1.0 / 32;
  std::vector<double> slopes_;
};

// The model up to one value, which becomes its only output.
Model up_to(const Model& model, const std::string& value_name);

// What the float model has at some values, on all frames; for as many layers at once as a bound on memory permits.
class FloatResults {
 public:
  FloatResults(const Model& prepared, std::vector<std::string> names, const KeptFrames& frames, const SessionOptions& options)
      : prepared_(prepared), frames_(frames), options_(options), names_(std::move(names)) {}

  // Of value i, per frame; fewer than frames where a branch was not taken. Values are asked for in order.
  const std::vector<Tensor>& of(size_t i) {
    while (i >= first_ + kept_.size()) load(i);
    return kept_[i - first_];
  }

 private:
  static constexpr size_t kBytes = size_t{256} << 20;

  void load(size_t first);

  const Model& prepared_;
  const KeptFrames& frames_;
  SessionOptions options_;
  std::vector<std::string> names_;
  size_t first_ = 0;
  std::vector<std::vector<Tensor>> kept_;
};

}  // namespace octet
