// The float graph that quantization works on, and the way back to a standard file.
#pragma once

#include "graph/graph.h"

namespace octet {

// A copy of the model with constants folded, normalization inside the weights, and functions that exporters write out (SiLU, GELU, ...)
// as one operator each. Computes what the source computes.
Model prepare_float(const Model& model);

// Makes a model writable: operators that its opset lacks are written out again, the opset is raised to `opset` where it
// is older (nodes are converted), and the IR version is the lowest that the opset allows.
void finish_model(Model& model, int opset);

}  // namespace octet
