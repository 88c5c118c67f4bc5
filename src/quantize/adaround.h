// AdaRound: which way each weight is rounded is decided by what the layer computes, not by which integer is nearer.
//
// M. Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020 (2004.10568), with the asymmetric objective of its
// §3.3 (eq. 25): a layer sees what the layers before it, already rounded, make of the frames, and is to give what the float model gives.
// How a layer's objective is solved: quantize/round_layer.h.
#pragma once

#include <functional>

#include "quantize/layer_values.h"

namespace octet {

struct AdaRoundOptions {
  bool move_biases = true;   // the mean of what rounding leaves goes into the bias, where there is one
};

struct AdaRoundSummary {
  int layers = 0;            // rounded better than to the nearest
  int kept = 0;              // where that was the best there is: it stays
  double gain_db = 0;        // of the layers' objectives on the frames kept apart, mean over `layers`
};

// Rounds the weights of convolutions, Gemm and MatMul anew, layer by layer in graph order. `quantized` is changed in place: integers
// behind DequantizeLinear; scales where they belong to blocks; biases. Scales of whole channels stay. Other layers (transposed
// convolutions, weights that several layers share) stay rounded to the nearest. `prepared`: the float model that `quantized` was made
// from, with the same value names. At most 4,096 rows per layer are looked at, whatever the frames' size. The same bytes every time and at
// every number of threads.
AdaRoundSummary round_adaptively(Model& quantized, const Model& prepared, const KeptFrames& frames, const AdaRoundOptions& adaround, const SessionOptions& options,
                                 const std::function<void(int64_t done, int64_t total)>& progress = {});

// One line for QuantizeResult::notes.
std::string note_of(const AdaRoundSummary& summary);

}  // namespace octet
