// y[i] = f(x[i]) over floats.
//
// x, y: `count` floats, any alignment; y may be x, other overlaps are not allowed. Pure, thread-safe; every level gives the
// same bits (formulas.h is the definition, one source for all). NaN in, NaN out, whatever its payload.
//
//   kRelu            x < 0 ? 0 : x
//   kClip            x < alpha ? alpha : x > beta ? beta : x
//   kLeakyRelu       x < 0 ? alpha·x : x
//   kThresholdedRelu x > alpha ? x : 0
//   kSigmoid, kTanh, kErf, kExp, kLog                 kernels/math.h
//   kSqrt, kReciprocal (1/x), kSquare (x·x), kAbs, kNegate, kFloor, kCeil, kRound (half to even)
//   kSign            -1, 0 or 1; NaN stays
//   kHardSigmoid     clip(alpha·x + beta, 0, 1), one fma
//   kHardSwish       x · clip(x/6 + 1/2, 0, 1), one fma
//   kSilu            x · sigmoid(x)
//   kGelu            x/2 · (1 + erf(x/√2))
//   kGeluTanh        x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))
//   kQuickGelu       x · sigmoid(alpha·x)
//   kSoftplus        log(1 + e^x), kSoftsign x / (1 + |x|)
//   kElu             x < 0 ? alpha·(e^x - 1) : x
//   kCelu            x < 0 ? alpha·(e^(x/alpha) - 1) : x
//   kSelu            beta · (x < 0 ? alpha·(e^x - 1) : x)      (ONNX's gamma is beta here)
//   kMish            x · tanh(softplus(x))
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::unary_f32 {

enum class Op : uint8_t {
  kRelu, kClip, kLeakyRelu, kThresholdedRelu, kSigmoid, kTanh, kErf, kExp, kLog, kSqrt, kReciprocal, kSquare, kAbs, kNegate,
  kFloor, kCeil, kRound, kSign, kHardSigmoid, kHardSwish, kSilu, kGelu, kGeluTanh, kQuickGelu, kSoftplus, kSoftsign, kElu,
  kCelu, kSelu, kMish,
};
constexpr int kOps = static_cast<int>(Op::kMish) + 1;

struct Params {
  float alpha = 0;
  float beta = 0;
};

struct Kernel {
  void (*run)(Op op, const Params& params, const float* x, float* y, int64_t count);
};

// The same functions in double by our own code, for tables between 8-bit tensors (kernels/table_u8).
double evaluate(Op op, const Params& params, double x);

#define OCTET_KERNEL_MANIFEST "kernels/unary_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::unary_f32
