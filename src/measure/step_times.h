// How long each layer of a model takes on this machine.
#pragma once

#include <map>
#include <span>
#include <string>

#include "graph/graph.h"
#include "octet/runtime.h"

namespace octet {

struct StepTimes {
  std::map<std::string, double> by_layer;   // milliseconds; a layer's name is its node's
  double total_ms = 0;                      // of all steps
};

// Runs the model on these inputs for about `seconds`, in rounds; of each step the quickest round counts (other programs only ever
// add time). Compiles for the inputs' shapes.
StepTimes measure_steps(const Model& model, std::span<const Tensor> inputs, const SessionOptions& options, double seconds = 0.5);

}  // namespace octet
