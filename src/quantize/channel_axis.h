// Where the output channels of an operator's weights lie.
#pragma once

#include "graph/graph.h"

namespace octet {

// The axis of input 1 that per-channel scales follow; -1: the weights take one scale (transposed convolutions with groups of
// several channels, batched matrices).
int64_t weight_channel_axis(const Node& node);

}  // namespace octet
