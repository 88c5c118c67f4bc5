// What is in a model: weights and multiply-accumulates by layer and operator type, and what each method of quantization would cover.
#pragma once

#include "graph/graph.h"
#include "octet/toolkit.h"

namespace octet {

// `model.file_bytes` is left to the caller. Throws Error where shapes do not fit.
InspectResult inspect_model(const Model& model, const InspectOptions& options);

}  // namespace octet
