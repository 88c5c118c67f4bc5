// Operators that hand their input on.
#include "graph/operator.h"

namespace octet::ops {

static void infer(InferContext& context) { context.same_as_input(0, 0); }
static void evaluate(EvaluateContext& context) { context.forward(0, context.input(0)); }
static LayoutSupport layout(const Node&) { return LayoutSupport::kAgnostic; }

static constexpr OperatorDef definitions[] = {
    {.name = "Identity", .infer = infer, .evaluate = evaluate, .layout = layout, .transparent = true, .view = true},
};

std::span<const OperatorDef> identity_operators() { return definitions; }

}  // namespace octet::ops
