// If: runs one of two bodies.
#include "ops/control_flow.h"
#include "ops/dispatch.h"

namespace octet::ops {

namespace {

void infer(InferContext& context) {
  const Node& node = context.node();
  std::vector<ValueFacts> yes = infer_body(node, *context.attributes().graph("then_branch"), {});
  std::vector<ValueFacts> no = infer_body(node, *context.attributes().graph("else_branch"), {});
  require(yes.size() == context.outputs() && no.size() == context.outputs(), ErrorCode::kInvalidModel, "the branches give ", yes.size(), " and ",
          no.size(), " outputs, ", context.outputs(), " are needed");
  for (size_t i = 0; i < yes.size(); ++i) {
    require(yes[i].dtype == no[i].dtype || yes[i].dtype == DType::kUndefined || no[i].dtype == DType::kUndefined, ErrorCode::kInvalidModel,
            "the branches give output ", i, " as ", yes[i].dtype, " and as ", no[i].dtype);
    set_output(context, i, join(yes[i], no[i]));
  }
}

void evaluate(EvaluateContext& context) {
  const Tensor& condition = context.input(0);
  require(condition.dtype() == DType::kBool && condition.elements() == 1, ErrorCode::kShapeMismatch, "the condition must be one bool");
  bool yes = *static_cast<const uint8_t*>(condition.raw()) != 0;
  std::span<const Tensor> outputs = context.run_body(yes ? "then_branch" : "else_branch", {});
  check_body_outputs(outputs, context.outputs());
  for (size_t i = 0; i < outputs.size(); ++i) context.forward(i, outputs[i]);
}

constexpr OperatorDef definitions[] = {
    {.name = "If", .max_outputs = kVariadic, .infer = infer, .evaluate = evaluate, .has_bodies = true},
};

}  // namespace

std::span<const OperatorDef> if_operators() { return definitions; }

}  // namespace octet::ops
