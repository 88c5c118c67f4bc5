// Steps on the fast float kernels that many operators share.
#pragma once

#include "graph/operator.h"
#include "kernels/binary_f32/binary_f32.h"
#include "kernels/unary_f32/unary_f32.h"
#include "ops/strided.h"

namespace octet::ops {

struct UnaryKernel {
  kernels::unary_f32::Op op;
  kernels::unary_f32::Params parameters;
};

// y = op(x) on all of input 0, in whatever order it lies.
bool bind_unary_kernel(BindContext& context, const UnaryKernel& kernel);
// The same over a tensor, now.
void run_unary_kernel(const UnaryKernel& kernel, const float* x, float* y, int64_t count, ThreadPool* pool);

// y = a op b; `loop` has operands y, a, b as step_loop makes it. False when it has too many axes.
bool bind_binary_kernel(BindContext& context, kernels::binary_f32::Op op, const StridedLoop<3>& loop, kernels::binary_f32::Params limits = {});

}  // namespace octet::ops
