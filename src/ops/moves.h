// Operators that move bytes as well as floats.
#pragma once

#include "graph/graph.h"

namespace octet::ops {

// Output values are a selection of input 0's values, and perhaps zeros, so that quantization parameters pass through: the trait
// `transparent`, and the forms of Resize and Pad that do no arithmetic (to the nearest; borders of zeros or of copies).
bool moves_values(const Node& node);

// The integer form copies bytes (Concat, Pad): a clamp behind it is a step of its own.
bool copies_bytes(const Node& node);

bool resizes_by_copying(const Node& node);     // of Resize and Upsample
bool pads_with_zeros_or_copies(const Node& node);   // of Pad

}  // namespace octet::ops
