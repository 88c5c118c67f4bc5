// unary_f32, sixteen at a time.
#pragma once

#include "kernels/unary_f32/formulas.h"

namespace octet::kernels::unary_f32 {
namespace {

template <Op op>
void run_op(const Params& params, const float* x, float* y, int64_t count) {
  simd::for_blocks(count, [&](int64_t i, auto n) { simd::store_block(apply<op>(simd::load_block(x + i, n), params), y + i, n); });
}

void run_wide(Op op, const Params& params, const float* x, float* y, int64_t count) {
  with_op(op, [&](auto constant) { run_op<constant()>(params, x, y, count); });
}

constexpr Kernel kWide = {run_wide};

}  // namespace
}  // namespace octet::kernels::unary_f32
