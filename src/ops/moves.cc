#include "ops/moves.h"

#include "graph/operator.h"
#include "ops/lowering.h"

namespace octet::ops {

bool moves_values(const Node& node) {
  if (node.op->transparent) return true;
  if (!node.op->domain.empty()) return false;
  if (node.op->name == "Resize" || node.op->name == "Upsample") return resizes_by_copying(node);
  return node.op->name == "Pad" && pads_with_zeros_or_copies(node);
}

bool copies_bytes(const Node& node) { return node.op->lower == lower_concat || node.op->lower == lower_pad; }

}  // namespace octet::ops
