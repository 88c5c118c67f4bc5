// Loop: runs a body a number of times, or while a condition holds; some values are carried along, others stacked.
#include <limits>

#include "ops/control_flow.h"
#include "ops/dispatch.h"

namespace octet::ops {

namespace {

enum Input : size_t { kTrips, kCondition, kCarried };

void infer(InferContext& context) {
  const Node& node = context.node();
  Graph& body = *context.attributes().graph("body");
  size_t carried = context.inputs() > kCarried ? context.inputs() - kCarried : 0;
  require(body.outputs.size() >= carried + 1 && body.outputs.size() == context.outputs() + 1, ErrorCode::kInvalidModel, "the body gives ",
          body.outputs.size(), " outputs for ", carried, " carried values and ", context.outputs(), " outputs");
  std::vector<ValueFacts> inputs{{DType::kInt64, Shape{}}, {DType::kBool, Shape{}}};
  for (size_t i = 0; i < carried; ++i) {
    require(context.has_input(kCarried + i), ErrorCode::kInvalidModel, "input ", kCarried + i, " is missing");
    inputs.push_back(facts_of(*node.inputs[kCarried + i]));
  }
  // What holds before every turn: what holds before the first and after any other. Each round only forgets, so this ends.
  std::vector<ValueFacts> outputs;
  for (;;) {
    outputs = infer_body(node, body, inputs);
    bool changed = false;
    for (size_t i = 0; i < carried; ++i) {
      ValueFacts joined = join(inputs[kCarried + i], outputs[1 + i]);
      changed |= joined != inputs[kCarried + i];
      inputs[kCarried + i] = std::move(joined);
    }
    if (!changed) break;
  }
  for (size_t i = 0; i < context.outputs(); ++i) {
    if (i < carried) {
      set_output(context, i, inputs[kCarried + i]);
      continue;
    }
    ValueFacts facts = outputs[1 + i];
    if (facts.shape) {
      std::vector<int64_t> extents = facts.shape->extents();
      extents.insert(extents.begin(), Shape::kUnknown);
      // Without a single turn the extents that are not known come out as 0.
      facts.shape = Shape(extents);
    }
    set_output(context, i, facts);
  }
}

void evaluate(EvaluateContext& context) {
  const Graph& body = *context.attributes().graph("body");
  size_t carried = context.inputs() > kCarried ? context.inputs() - kCarried : 0;
  int64_t trips = context.has_input(kTrips) ? integer_of(context.input(kTrips)) : std::numeric_limits<int64_t>::max();
  bool condition = true;
  auto truth = [](const Tensor& tensor) {
    require(tensor.dtype() == DType::kBool && tensor.elements() == 1, ErrorCode::kShapeMismatch, "the condition must be one bool");
    return *static_cast<const uint8_t*>(tensor.raw()) != 0;
  };
  if (context.has_input(kCondition)) condition = truth(context.input(kCondition));
  std::vector<Tensor> state(2 + carried);
  for (size_t i = 0; i < carried; ++i) state[2 + i] = context.input(kCarried + i);
  std::vector<Stacker> stacked(context.outputs() - carried);
  for (int64_t turn = 0; turn < trips && condition; ++turn) {
    state[0] = Tensor::scalar<int64_t>(turn);
    state[1] = Tensor::scalar<bool>(condition);
    std::span<const Tensor> outputs = context.run_body("body", state);
    check_body_outputs(outputs, 1 + context.outputs());
    condition = truth(outputs[0]);
    // The body's outputs live in memory that its next run uses again.
    for (size_t i = 0; i < carried; ++i) state[2 + i] = outputs[1 + i].clone();
    for (size_t i = 0; i < stacked.size(); ++i) stacked[i].add(outputs[1 + carried + i]);
  }
  for (size_t i = 0; i < carried; ++i) context.forward(i, state[2 + i]);
  for (size_t i = 0; i < stacked.size(); ++i) stacked[i].write(context, carried + i, 0, false, *body.outputs[1 + carried + i]);
}

constexpr OperatorDef definitions[] = {
    {.name = "Loop", .min_inputs = 0, .max_inputs = kVariadic, .max_outputs = kVariadic, .infer = infer, .evaluate = evaluate,
     .has_bodies = true},
};

}  // namespace

std::span<const OperatorDef> loop_operators() { return definitions; }

}  // namespace octet::ops
