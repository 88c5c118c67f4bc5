// Which channels of a model's values may be scaled together without changing what the model computes.
//
// If the channel c of a value is divided by s and every weight that multiplies it is multiplied by s, the outputs stay. Through operators
// that scale along (Relu, pooling, additions of two values, concatenation …) the same s holds on both sides: such channels form one
// class. Class 0 holds channels that must stay as they are: of graph inputs and outputs, and wherever an operator does not scale along.
// The relations are those of M. Nagel et al., "Data-free quantization through weight equalization and bias correction" (1906.04721, §4.1),
// extended from pairs of layers to residual connections and concatenations.
#pragma once

#include <map>
#include <vector>

#include "graph/graph.h"

namespace octet {

struct ChannelValue {
  int axis = 1;                  // where the channels lie
  std::vector<int> classes;      // one per channel
};

// A node with constant weights that reads or writes classes.
struct ChannelLayer {
  Node* node = nullptr;
  std::vector<int> inputs, outputs;   // classes; empty: it does not take part on that side
};

struct ChannelClasses {
  int count = 1;                             // classes are 0 to count − 1
  std::map<const Value*, ChannelValue> values;   // those with at least one class other than 0
  std::vector<ChannelLayer> layers;          // in graph order
  std::vector<float> bound;                  // per class: the upper bound of a Clip(0, bound) that limits it; 0: none
};

// `graph` is prepared (quantize/prepare.h).
ChannelClasses find_channel_classes(Graph& graph);

// Divides every channel of class k by factors[k] (factors[0] must be 1): the weights around change, nothing else. For classes with a
// bound: 0 < factor ≤ 1, and the caller sees to it that the divided channel stays below the bound.
void scale_channels(Graph& graph, const ChannelClasses& classes, const std::vector<float>& factors);

// How weights are laid out: element → its input and output channel of the whole layer.
struct WeightLayout {
  int64_t rows = 1, columns = 1, taps = 1;   // the tensor is rows × columns × taps
  int64_t groups = 1;
  bool rows_are_outputs = true;
  struct Channels { int64_t input, output; };
  Channels channels_of(int64_t element) const {
    int64_t row = element / (columns * taps), column = element / taps % columns;
    if (rows_are_outputs) return {row / (rows / groups) * columns + column, row};
    return {row, row / (rows / groups) * columns + column};
  }
};
// Of Conv, ConvTranspose, Gemm and MatMul with weights of rank 2 and more. Throws nothing: other nodes are a programmer error.
WeightLayout weight_layout(const Node& node);

}  // namespace octet
