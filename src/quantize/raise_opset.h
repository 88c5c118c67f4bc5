// Converting a graph to a newer opset of ai.onnx.
#pragma once

#include "graph/graph.h"

namespace octet {

// Rewrites nodes whose form changed up to opset 21 (attributes that became inputs, operators that were renamed) and
// imports `opset`. Graphs that import it or a newer one already are left alone. Throws Error naming the node that has no equivalent.
void raise_opset(Graph& graph, int opset);

}  // namespace octet
