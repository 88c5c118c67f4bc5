// Internal: Observe hands its input to an observer. The identity on values; the plan does the rest.
#include "graph/operator.h"

namespace octet::ops {

namespace {

void infer(InferContext& context) { context.same_as_input(0, 0); }
void evaluate(EvaluateContext& context) { context.forward(0, context.input(0)); }

constexpr OperatorDef definitions[] = {
    {.domain = "octet", .name = "Observe", .infer = infer, .evaluate = evaluate, .transparent = true, .deterministic = false},
};

}  // namespace

std::span<const OperatorDef> internal_operators() { return definitions; }

}  // namespace octet::ops
