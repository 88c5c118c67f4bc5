// Which inner values of two models stand for the same thing, and the models made ready to watch them.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet {

struct WatchedValue {
  std::string name;        // as in the first model
  std::string layer;       // the node that makes it there, with its operator
};

// Finds the float values that both models have under one name. Where the second model quantizes a value X (X → QuantizeLinear →
// DequantizeLinear), what the readers of X see there is compared: the DequantizeLinear's output. Puts Observe nodes into both models;
// observer i of either sees watched[i]. In the order of the first model. Infers types first: files need not tell those of inner values.
std::vector<WatchedValue> watch_common_values(Model& a, Model& b);

}  // namespace octet
