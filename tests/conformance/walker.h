// The slow obvious engine: evaluates a graph node by node with the operators' reference evaluations.
//
// It is the oracle that the real engine is compared with, and it checks what it walks over: before a node is evaluated its
// outputs are inferred, once from the shapes of its inputs alone and once from their values; what inference claims must be true.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"

namespace octet::conformance {

// The graph's outputs. Dtypes and shapes of the graph's values are overwritten with what they turn out to be.
std::vector<Tensor> walk(Graph& graph, std::span<const Tensor> inputs);

}  // namespace octet::conformance
