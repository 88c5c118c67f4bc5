// The arithmetic of opsets 1 to 6, where the second input is broadcast only if an attribute says so, from an axis on:
//
//   Add, Sub, Mul, Div, Pow, And, Or, Xor, Equal, Greater, Less:
//     broadcast (0)   1: the second input has a run of the first one's axes
//     axis            where that run begins; absent: it ends where the first input ends
//   PRelu: the slope is one number, or one per channel (axis 1)
//
// The second input gets trailing axes of extent 1 until it lines up; the operator of opset 7 does the rest.
#include "ops/broadcast.h"
#include "ops/redirected.h"

namespace octet::ops {

namespace {

// The shape the second input has for today's rules.
Shape aligned(const Node& node, const Shape& first, const Shape& second) {
  if (second.rank() >= first.rank()) return second;
  int axis = first.rank() - second.rank();
  if (node.op->name == "PRelu") {
    if (second.rank() == 1 && first.rank() > 1) axis = 1;
  } else {
    axis = static_cast<int>(node.attributes.integer("axis", axis));
    if (axis < 0) axis += first.rank();
  }
  require(axis >= 0 && axis + second.rank() <= first.rank(), ErrorCode::kInvalidModel, "the second input of shape ", second,
          " does not fit at axis ", axis, " of ", first);
  Shape shape = second;
  for (int i = axis + second.rank(); i < first.rank(); ++i) shape.push_back(1);
  return shape;
}

bool is_comparison(std::string_view name) { return name == "Equal" || name == "Greater" || name == "Less"; }

void infer(InferContext& context) {
  DType dtype = is_comparison(context.node().op->name) ? DType::kBool : context.dtype(0);
  if (context.has_rank(0)) context.set_output(0, dtype, context.shape(0));
  else context.set_output_rank_unknown(0, dtype);
}

void evaluate(EvaluateContext& context) {
  const Node& node = context.node();
  const OperatorDef* modern = find_operator("", node.op->name, 7);
  require(modern != nullptr && modern != node.op, ErrorCode::kUnsupported, "the operator is not there in opset 7");
  const Shape& first = context.input(0).shape();
  Tensor second = context.input(1).reshaped(aligned(node, context.input(0).shape(), context.input(1).shape()));
  require(broadcast(first, second.shape()) == first, ErrorCode::kShapeMismatch, "the second input of shape ", context.input(1).shape(),
          " does not fit into ", first);
  const Tensor* inputs[] = {&context.input(0), &second};
  Redirected redirected(context, inputs);
  modern->evaluate(redirected);
}

constexpr OperatorDef define(std::string_view name) {
  return {.name = name, .since_version = 1, .min_inputs = 2, .max_inputs = 2, .infer = infer, .evaluate = evaluate};
}

constexpr OperatorDef definitions[] = {
    define("Add"), define("Sub"), define("Mul"), define("Div"), define("Pow"), define("PRelu"), define("And"), define("Or"),
    define("Xor"), define("Equal"), define("Greater"), define("Less"),
};

}  // namespace

std::span<const OperatorDef> broadcast_attribute_operators() { return definitions; }

}  // namespace octet::ops
