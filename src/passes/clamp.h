// Relu and Clip as the range they leave.
#pragma once

#include <optional>

#include "graph/graph.h"

namespace octet {

struct Clamp { double low, high; };   // infinite where there is no bound

// The range of a Relu, or of a Clip whose bounds are known; none for other nodes.
std::optional<Clamp> clamp_of(const Node& node);

}  // namespace octet
