#include "quantize/channel_axis.h"

#include "graph/operator.h"

namespace octet {

int64_t weight_channel_axis(const Node& node) {
  const Shape& shape = *node.inputs[1]->shape;
  if (node.op->name == "Conv") return 0;
  if (node.op->name == "ConvTranspose") {
    const int64_t groups = node.attributes.integer("group", 1);
    if (groups == 1) return 1;
    return groups == shape[0] && shape[1] == 1 ? 0 : -1;   // depthwise: a group is a channel
  }
  if (node.op->name == "Gemm") return node.attributes.integer("transB", 0) != 0 ? 0 : 1;
  return shape.rank() == 2 ? 1 : -1;
}

}  // namespace octet
