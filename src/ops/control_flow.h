// What If, Loop and Scan share: inferring their bodies and joining what several runs of a body may give.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graph/operator.h"

namespace octet::ops {

// What is known of a value.
struct ValueFacts {
  DType dtype = DType::kUndefined;
  std::optional<Shape> shape;
  friend bool operator==(const ValueFacts&, const ValueFacts&) = default;
};
ValueFacts facts_of(const Value& value);
// What holds of both.
ValueFacts join(const ValueFacts& a, const ValueFacts& b);
void set_output(InferContext& context, size_t i, const ValueFacts& facts);

// Gives the body's inputs these facts and its captures those of the values outside, then infers its nodes in order. Returns the
// facts of its outputs. Throws Error when the counts differ.
std::vector<ValueFacts> infer_body(const Node& node, Graph& body, std::span<const ValueFacts> inputs);

// Checks what a body returned.
void check_body_outputs(std::span<const Tensor> outputs, size_t wanted);

// Gathers equal tensors along a new axis.
class Stacker {
 public:
  void add(const Tensor& element);
  // The elements along axis 0; there must be some.
  Tensor stacked() const;
  // Writes output i with the elements along `axis` (from the end when negative), the last one first if `reversed`. `declared` gives
  // type and shape of an element when nothing was added.
  void write(EvaluateContext& context, size_t i, int64_t axis, bool reversed, const Value& declared) const;

 private:
  std::vector<Tensor> elements_;
};

}  // namespace octet::ops
