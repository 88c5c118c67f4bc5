// Internal: a value's bytes seen with another shape or layout. Whoever inserts it sets the output's type; nothing moves.
#include "graph/operator.h"

namespace octet::ops {

static void infer(InferContext&) {}   // the maker of the node has set the output
static void evaluate(EvaluateContext& context) {
  const Value& out = *context.node().outputs[0];
  context.forward(0, context.input(0).reshaped(*out.shape));
}
static LayoutSupport layout(const Node&) { return LayoutSupport::kAgnostic; }

static constexpr OperatorDef definitions[] = {
    {.domain = "octet", .name = "Reinterpret", .infer = infer, .evaluate = evaluate, .layout = layout, .view = true},
};

std::span<const OperatorDef> reinterpret_operators() { return definitions; }

}  // namespace octet::ops
