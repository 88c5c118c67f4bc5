#include "ops/control_flow.h"

#include <cstring>

#include "ops/axes.h"

namespace octet::ops {

ValueFacts facts_of(const Value& value) { return {value.dtype, value.shape}; }

ValueFacts join(const ValueFacts& a, const ValueFacts& b) {
  ValueFacts joined = a;
  if (joined.dtype == DType::kUndefined) joined.dtype = b.dtype;
  if (!a.shape || !b.shape || a.shape->rank() != b.shape->rank()) {
    joined.shape.reset();
    return joined;
  }
  for (int axis = 0; axis < a.shape->rank(); ++axis)
    if ((*a.shape)[axis] != (*b.shape)[axis]) (*joined.shape)[axis] = Shape::kUnknown;
  return joined;
}

void set_output(InferContext& context, size_t i, const ValueFacts& facts) {
  if (facts.shape) context.set_output(i, facts.dtype, *facts.shape);
  else context.set_output_rank_unknown(i, facts.dtype);
}

std::vector<ValueFacts> infer_body(const Node& node, Graph& body, std::span<const ValueFacts> inputs) {
  require(body.inputs.size() == inputs.size(), ErrorCode::kInvalidModel, "the body takes ", body.inputs.size(), " inputs, ", inputs.size(),
          " are handed in");
  auto assign = [](Value& value, const ValueFacts& facts) {
    if (facts.dtype != DType::kUndefined) value.dtype = facts.dtype;
    value.shape = facts.shape;
  };
  for (size_t i = 0; i < inputs.size(); ++i) assign(*body.inputs[i], inputs[i]);
  for (const Capture& capture : body.captures) {
    require(capture.index < node.captures.size(), ErrorCode::kInvalidModel, "a capture of the body is missing");
    assign(*capture.inner, facts_of(*node.captures[capture.index]));
  }
  for (Node& inner : body.nodes()) infer_node(inner);
  std::vector<ValueFacts> outputs;
  for (const Value* output : body.outputs) outputs.push_back(facts_of(*output));
  return outputs;
}

void check_body_outputs(std::span<const Tensor> outputs, size_t wanted) {
  require(outputs.size() == wanted, ErrorCode::kInvalidModel, "the body gives ", outputs.size(), " outputs, ", wanted, " are needed");
}

void Stacker::add(const Tensor& element) {
  if (!elements_.empty())
    require(element.shape() == elements_[0].shape() && element.dtype() == elements_[0].dtype(), ErrorCode::kShapeMismatch,
            "the body gave ", element.shape(), " after ", elements_[0].shape(), ": such outputs cannot be stacked");
  elements_.push_back(element.clone());
}

Tensor Stacker::stacked() const {
  std::vector<int64_t> extents = elements_.at(0).shape().extents();
  extents.insert(extents.begin(), static_cast<int64_t>(elements_.size()));
  Tensor out(elements_[0].dtype(), Shape(extents));
  require(dtype_bits(out.dtype()) % 8 == 0, ErrorCode::kUnsupported, "tensors of type ", out.dtype(), " cannot be stacked");
  char* to = static_cast<char*>(out.raw());
  for (const Tensor& element : elements_) {
    if (element.bytes() != 0) std::memcpy(to, element.raw(), element.bytes());
    to += element.bytes();
  }
  return out;
}

void Stacker::write(EvaluateContext& context, size_t i, int64_t axis, bool reversed, const Value& declared) const {
  if (elements_.empty()) {
    Shape shape = declared.shape.value_or(Shape{});
    for (int k = 0; k < shape.rank(); ++k)
      if (shape[k] < 0) shape[k] = 0;
    std::vector<int64_t> extents = shape.extents();
    extents.insert(extents.begin() + normalize_axis(axis, shape.rank() + 1), 0);
    context.output(i, declared.dtype, Shape(extents));
    return;
  }
  const Shape& shape = elements_[0].shape();
  int at = normalize_axis(axis, shape.rank() + 1);
  std::vector<int64_t> extents = shape.extents();
  extents.insert(extents.begin() + at, static_cast<int64_t>(elements_.size()));
  Tensor& out = context.output(i, elements_[0].dtype(), Shape(extents));
  require(dtype_bits(out.dtype()) % 8 == 0, ErrorCode::kUnsupported, "tensors of type ", out.dtype(), " cannot be stacked");
  size_t count = elements_.size(), run = tensor_bytes(out.dtype(), shape.elements(at, shape.rank()));
  char* to = static_cast<char*>(out.raw());
  for (int64_t outer = 0, outers = shape.elements(0, at); outer < outers; ++outer)
    for (size_t k = 0; k < count; ++k) {
      const Tensor& element = elements_[reversed ? count - 1 - k : k];
      std::memcpy(to, static_cast<const char*>(element.raw()) + static_cast<size_t>(outer) * run, run);
      to += run;
    }
}

}  // namespace octet::ops
