// The rounding of one layer's weights that changes least of what the layer computes.
//
// The objective is AdaRound's (M. Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020, 2004.10568, eq. 25):
// with x̃ what the layer reads in the quantized model, y what it gives in the float model, f the function behind the layer,
//
//     minimize over integers q:   Σ over rows of  f'(y)² · (Σ_k scale · q_k · x̃_k + b − y)²
//
// It is solved without gradients, in four steps, each output on its own:
//  1. Least squares: real weights that make up for what earlier layers did to x̃, as far as that holds on rows kept apart.
//  2. Rounded one after the other, the weights that are still free making up for each error: E. Frantar et al., "GPTQ", 2022 (2210.17323), in
//     the equivalent form of J. Chee et al., "QuIP", 2023 (2307.13304, LDLQ): feedback from a triangular factor of Σ x̃ x̃ᵀ, largest first.
//  3. Coordinate descent on the objective (K. Behdin et al., "QuantEase", 2023, 2309.01885): each weight to the integer that is best
//     while the others stay, until none changes; scales per block by least squares in between.
//  4. On the rows kept apart the result must be better than rounding to the nearest, or that stays.
#pragma once

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "quantize/layer_rows.h"
#include "quantize/layer_values.h"

namespace octet {

// In: rounded to the nearest. Out: rounded as well as found.
struct LayerRounding {
  int64_t outputs = 0, inputs = 0, groups = 1;   // inputs: weights per output
  std::vector<float> weights;        // [outputs][inputs], the float model's
  std::vector<float> biases;         // [outputs]; empty: none, or not part of the layer's own result
  std::vector<float> behind;         // [outputs]: what is added before the function behind the layer; empty: nothing
  std::vector<int64_t> scale_of;     // per input: index of its scale among those of an output
  int64_t scales_each = 1;           // scales per output
  std::vector<float> scales;         // [outputs][scales_each]
  std::vector<int8_t> values;        // [outputs][inputs]
  int lowest = -127, highest = 127;
  bool free_scales = false;          // scales may change
  bool free_bias = false;            // the mean of what is left goes into the bias: `shift`
  std::vector<double> shift;         // out: [outputs], what to take off the biases; empty where nothing changes
};

struct RoundingGain {
  bool better = false;               // than the nearest, on the rows kept apart; else the values are as they were
  bool lost = false;                 // the rows have little to do with the results wanted, whatever the weights: nothing was done
  double before = 0, after = 0;      // the objective on the rows kept apart
};

// `fitting`, `judging`: rows of the layer. The same result at every number of threads.
RoundingGain round_layer(LayerRounding& layer, LayerRows fitting, LayerRows judging, const PassedShare& share, ThreadPool& pool);

}  // namespace octet
