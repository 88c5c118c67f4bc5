// The float graph that quantization works on, and the way back to a standard file.
#pragma once

#include "graph/graph.h"

namespace octet {

// The opset that quantized models import at least: the first whose DequantizeLinear knows scales per channel.
constexpr int kQuantizedOpset = 13;
// The first whose DequantizeLinear knows scales per block and 4-bit values.
constexpr int kBlockOpset = 21;

// A copy of the model with constants folded, normalization inside the weights, functions that exporters write out (SiLU, GELU, ...)
// as one operator each, raised to `opset` where it is older. Computes what the source computes.
Model prepare_float(const Model& model, int opset = kQuantizedOpset);

// Makes a model writable: operators that its opset lacks are written out again, and the IR version is the lowest that the
// opset allows.
void finish_model(Model& model);

}  // namespace octet
