// What operators can do together in one step: traits that only the passes fuse-epilogues and choose-layout ask for.
#pragma once

#include <optional>
#include <string_view>

#include "graph/graph.h"

namespace octet::ops {

// A float function of one value as the float kernels know it: a number from kernels/unary_f32 and its parameters.
struct ScalarKernel {
  int function = 0;
  float alpha = 0, beta = 0;
};
// The float kernel that computes y = f(x) for this node, if one does.
std::optional<ScalarKernel> scalar_kernel(const Node& node);

// For an integer product in whose epilogue more can be done: the internal operator that does the work of this node and of what
// follows; empty: it cannot. Its inputs are the node's (max_inputs of them), then
//   with_residual: b, b_scale, b_zero_point, y_scale, y_zero_point of a QLinearAdd of the result and b; inputs 6 and 7 are the node's
//                  own scale and zero point, its own clamp becomes own_clamp_min and own_clamp_max
//   with_function: y_scale, y_zero_point of a QuantizeLinear behind a scalar_kernel (attributes function, alpha, beta)
std::string_view with_residual(const Node& node);
std::string_view with_function(const Node& node);

}  // namespace octet::ops
