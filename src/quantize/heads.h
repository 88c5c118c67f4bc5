// Parts of detection heads that compute with coordinates and not with features. What leads only to outputs stays float anyway
// (quantize/selection.h); these lie further inside, where boxes of a first stage are read again by a second one:
//
// - A layer with constant weights and one result per position behind a Softmax takes the mean of a distribution (Li et al., "Generalized
//   Focal Loss", 2006.04388): it decodes a distance, and 256 steps of a probability times 256 of a bin are coarser than a pixel.
// - A matrix product that reads four numbers (or two) from a Sigmoid reads a box (or a point): 256 steps are coarser than a pixel, too.
//
// Both cost next to nothing in float.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet {

// Why a layer must compute in float; empty: nothing says so.
std::string head_reason(const Node& node);

// Concatenations that nothing but outputs depends on: what they join (boxes, scores, levels) gets no common scale. By name.
std::vector<std::string> output_joins(const Graph& graph);

}  // namespace octet
