// 8-bit weights and their scales.
#pragma once

#include <vector>

#include "octet/tensor.h"
#include "quantize/recipe.h"

namespace octet {

// Signed, symmetric, in [-127, 127]: q = round_half_even(w / scale).
struct QuantizedWeights {
  Tensor values;                // int8, the shape of the weights
  std::vector<float> scales;    // one, or one per index of `axis`
  int64_t axis = 0;
};

// `minimum_scales`: per channel (or one), scales are at least this; empty: no bound. A channel of zeros gets scale 1, or its bound.
QuantizedWeights quantize_weights(const Tensor& weights, int64_t axis, Granularity granularity, const std::vector<float>& minimum_scales);

// One scale per `block` elements along `axis`: 8 bits, or 4 (two to a byte). Each block's scale is the one with the least squared error.
struct BlockWeights {
  Tensor values;                // int8 or int4, the shape of the weights
  Tensor scales;                // float32, the weights' shape with `axis` divided by the block, rounded up
};
BlockWeights quantize_blocks(const Tensor& weights, int64_t axis, int64_t block, int bits);

// The least weight scale with which a bias fits an int32 of scale input_scale · weight_scale, with room for the sum it is added to.
float scale_for_bias(float bias, float input_scale);

}  // namespace octet
