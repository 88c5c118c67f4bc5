// Scan: runs a body over the slices of its inputs along an axis; states are carried along, the other outputs stacked.
//
// Opset 8 had a batch axis in front of everything and an input with the lengths of the sequences (always full here).
#include <cstring>

#include "ops/control_flow.h"
#include "ops/axes.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

struct Options {
  size_t first = 0, states = 0, scans = 0, outputs = 0;   // inputs: [first, first + states) and then the scanned ones
  bool batched = false;
  std::vector<int64_t> input_axes, input_directions, output_axes, output_directions;
};

Options read_options(const Node& node, size_t inputs) {
  const Attributes& attributes = node.attributes;
  Options options;
  options.batched = node.version < 9;
  options.first = options.batched ? 1 : 0;
  int64_t scans = attributes.integer("num_scan_inputs");
  require(scans >= 1 && static_cast<size_t>(scans) + options.first <= inputs, ErrorCode::kInvalidModel, "attribute 'num_scan_inputs' is ", scans);
  options.scans = static_cast<size_t>(scans);
  options.states = inputs - options.first - options.scans;
  require(node.outputs.size() >= options.states, ErrorCode::kInvalidModel, "there are ", node.outputs.size(), " outputs for ", options.states, " states");
  options.outputs = node.outputs.size() - options.states;
  auto list = [&](std::string_view name, size_t count) {
    std::span<const int64_t> values = attributes.integers(name);
    require(values.empty() || values.size() == count, ErrorCode::kInvalidModel, "attribute '", name, "' has ", values.size(), " values");
    return values.empty() ? std::vector<int64_t>(count, 0) : std::vector<int64_t>(values.begin(), values.end());
  };
  options.input_axes = list("scan_input_axes", options.scans);
  options.input_directions = list(options.batched ? "directions" : "scan_input_directions", options.scans);
  options.output_axes = list("scan_output_axes", options.outputs);
  options.output_directions = list("scan_output_directions", options.outputs);
  return options;
}

Shape without_axis(const Shape& shape, int axis) {
  std::vector<int64_t> extents = shape.extents();
  extents.erase(extents.begin() + axis);
  return Shape(extents);
}

Shape with_axis(const Shape& shape, int axis, int64_t extent) {
  std::vector<int64_t> extents = shape.extents();
  extents.insert(extents.begin() + axis, extent);
  return Shape(extents);
}

void infer(InferContext& context) {
  const Node& node = context.node();
  Options options = read_options(node, context.inputs());
  Graph& body = *context.attributes().graph("body");
  require(body.outputs.size() == context.outputs(), ErrorCode::kInvalidModel, "the body gives ", body.outputs.size(), " outputs, ",
          context.outputs(), " are needed");
  std::vector<ValueFacts> inputs;
  int64_t length = Shape::kUnknown, batch = Shape::kUnknown;
  for (size_t i = 0; i < options.states + options.scans; ++i) {
    require(context.has_input(options.first + i), ErrorCode::kInvalidModel, "input ", options.first + i, " is missing");
    ValueFacts facts = facts_of(*node.inputs[options.first + i]);
    if (facts.shape && options.batched) {
      require(facts.shape->rank() >= 1, ErrorCode::kShapeMismatch, "input ", options.first + i, " has no batch axis");
      if ((*facts.shape)[0] >= 0) batch = (*facts.shape)[0];
      facts.shape = without_axis(*facts.shape, 0);
    }
    if (facts.shape && i >= options.states) {
      int axis = normalize_axis(options.input_axes[i - options.states], facts.shape->rank());
      int64_t extent = (*facts.shape)[axis];
      require(length < 0 || extent < 0 || length == extent, ErrorCode::kShapeMismatch, "scanned inputs have ", length, " and ", extent, " slices");
      if (extent >= 0) length = extent;
      facts.shape = without_axis(*facts.shape, axis);
    }
    inputs.push_back(std::move(facts));
  }
  std::vector<ValueFacts> outputs;
  for (;;) {
    outputs = infer_body(node, body, inputs);
    bool changed = false;
    for (size_t i = 0; i < options.states; ++i) {
      ValueFacts joined = join(inputs[i], outputs[i]);
      changed |= joined != inputs[i];
      inputs[i] = std::move(joined);
    }
    if (!changed) break;
  }
  for (size_t i = 0; i < context.outputs(); ++i) {
    ValueFacts facts = i < options.states ? inputs[i] : outputs[i];
    if (facts.shape && i >= options.states)
      facts.shape = with_axis(*facts.shape, normalize_axis(options.output_axes[i - options.states], facts.shape->rank() + 1), length);
    if (facts.shape && options.batched) facts.shape = with_axis(*facts.shape, 0, batch);
    set_output(context, i, facts);
  }
}

// Slice `index` of a dense tensor along an axis, as a tensor of its own.
Tensor slice(const Tensor& tensor, int axis, int64_t index) {
  const Shape& shape = tensor.shape();
  require(dtype_bits(tensor.dtype()) % 8 == 0, ErrorCode::kUnsupported, "tensors of type ", tensor.dtype(), " cannot be scanned");
  Tensor out(tensor.dtype(), without_axis(shape, axis));
  size_t run = tensor_bytes(tensor.dtype(), shape.elements(axis + 1, shape.rank()));
  const char* from = static_cast<const char*>(tensor.raw()) + static_cast<size_t>(index) * run;
  char* to = static_cast<char*>(out.raw());
  for (int64_t outer = 0, outers = shape.elements(0, axis); outer < outers; ++outer) {
    std::memcpy(to, from, run);
    from += run * static_cast<size_t>(shape[axis]);
    to += run;
  }
  return out;
}

void evaluate(EvaluateContext& context) {
  const Node& node = context.node();
  Options options = read_options(node, context.inputs());
  const Graph& body = *context.attributes().graph("body");
  auto input = [&](size_t i) -> const Tensor& { return context.input(options.first + i); };
  int64_t batches = 1;
  if (options.batched) {
    require(input(0).shape().rank() >= 1, ErrorCode::kShapeMismatch, "the inputs have no batch axis");
    batches = input(0).shape()[0];
    require(!context.has_input(0), ErrorCode::kUnsupported, "Scan with sequence lengths is not supported");
  }
  std::vector<Stacker> batch_outputs(context.outputs());
  for (int64_t n = 0; n < batches; ++n) {
    std::vector<Tensor> state;
    for (size_t i = 0; i < options.states + options.scans; ++i) {
      require(!options.batched || (input(i).shape().rank() >= 1 && input(i).shape()[0] == batches), ErrorCode::kShapeMismatch, "the batch extents differ");
      state.push_back(options.batched ? slice(input(i), 0, n) : input(i));
    }
    std::vector<Tensor> scanned(state.begin() + static_cast<std::ptrdiff_t>(options.states), state.end());
    std::vector<int> axes;
    int64_t length = -1;
    for (size_t i = 0; i < options.scans; ++i) {
      axes.push_back(normalize_axis(options.input_axes[i], scanned[i].shape().rank()));
      int64_t extent = scanned[i].shape()[axes[i]];
      require(length < 0 || length == extent, ErrorCode::kShapeMismatch, "scanned inputs have ", length, " and ", extent, " slices");
      length = extent;
    }
    std::vector<Stacker> stacked(options.outputs);
    for (int64_t t = 0; t < length; ++t) {
      for (size_t i = 0; i < options.scans; ++i)
        state[options.states + i] = slice(scanned[i], axes[i], options.input_directions[i] != 0 ? length - 1 - t : t);
      std::span<const Tensor> outputs = context.run_body("body", state);
      check_body_outputs(outputs, context.outputs());
      for (size_t i = 0; i < options.states; ++i) state[i] = outputs[i].clone();
      for (size_t i = 0; i < options.outputs; ++i) stacked[i].add(outputs[options.states + i]);
    }
    if (options.batched) {
      require(length > 0, ErrorCode::kUnsupported, "Scan over an empty sequence is not supported before opset 9");
      for (size_t i = 0; i < options.states; ++i) batch_outputs[i].add(state[i]);
      for (size_t i = 0; i < options.outputs; ++i) batch_outputs[options.states + i].add(stacked[i].stacked());
    } else {
      for (size_t i = 0; i < options.states; ++i) context.forward(i, state[i]);
      for (size_t i = 0; i < options.outputs; ++i)
        stacked[i].write(context, options.states + i, options.output_axes[i], options.output_directions[i] != 0, *body.outputs[options.states + i]);
    }
  }
  for (size_t i = 0; options.batched && i < context.outputs(); ++i) batch_outputs[i].write(context, i, 0, false, *body.outputs[i]);
}

constexpr OperatorDef definitions[] = {
    {.name = "Scan", .since_version = 8, .min_inputs = 0, .max_inputs = kVariadic, .max_outputs = kVariadic, .infer = infer, .evaluate = evaluate,
     .has_bodies = true},
};

}  // namespace

std::span<const OperatorDef> scan_operators() { return definitions; }

}  // namespace octet::ops
