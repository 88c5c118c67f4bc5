#include "kernels/math_double.h"
#include "kernels/unary_f32/formulas.h"

namespace octet::kernels::unary_f32 {

static void run(Op op, const Params& params, const float* x, float* y, int64_t count) {
  with_op(op, [&](auto constant) {
    for (int64_t i = 0; i < count; ++i) y[i] = apply<constant()>(simd::Scalar(x[i]), params).v;
  });
}

const Kernel reference = {run};

double evaluate(Op op, const Params& params, double x) {
  double alpha = params.alpha, beta = params.beta;
  auto clip = [](double v, double low, double high) { return v < low ? low : v > high ? high : v; };
  switch (op) {
    case Op::kRelu: return x < 0 ? 0 : x;
    case Op::kClip: return clip(x, alpha, beta);
    case Op::kLeakyRelu: return x < 0 ? alpha * x : x;
    case Op::kThresholdedRelu: return x <= alpha ? 0 : x;
    case Op::kSigmoid: return math64::sigmoid(x);
    case Op::kTanh: return math64::tanh(x);
    case Op::kErf: return math64::erf(x);
    case Op::kExp: return math64::exp(x);
    case Op::kLog: return math64::log(x);
    case Op::kSqrt: return __builtin_sqrt(x);
    case Op::kReciprocal: return 1 / x;
    case Op::kSquare: return x * x;
    case Op::kAbs: return x < 0 ? -x : x;
    case Op::kNegate: return -x;
    case Op::kFloor: return math64::floor(x);
    case Op::kCeil: return math64::ceil(x);
    case Op::kRound: return math64::round_half_even(x);
    case Op::kSign: return x < 0 ? -1 : x > 0 ? 1 : x;
    case Op::kHardSigmoid: return clip(alpha * x + beta, 0, 1);
    case Op::kHardSwish: return x * clip(x / 6 + 0.5, 0, 1);
    case Op::kSilu: return x * math64::sigmoid(x);
    case Op::kGelu: return x * 0.5 * (1 + math64::erf(x * 0.7071067811865476));
    case Op::kGeluTanh: return x * 0.5 * (1 + math64::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case Op::kQuickGelu: return x * math64::sigmoid(alpha * x);
    case Op::kSoftplus: return (x < 0 ? 0 : x) + math64::log_one_plus(math64::exp(x < 0 ? x : -x));
    case Op::kSoftsign: return x / (1 + (x < 0 ? -x : x));
    case Op::kElu: return x < 0 ? alpha * math64::exp_minus_one(x) : x;
    case Op::kCelu: return x < 0 ? alpha * math64::exp_minus_one(x / alpha) : x;
    case Op::kSelu: return beta * (x < 0 ? alpha * math64::exp_minus_one(x) : x);
    case Op::kMish: {
      if (x > 40) return x;
      double n = math64::exp(x), m = n * (n + 2);
      return x * (m / (m + 2));
    }
  }
  return x;
}

}  // namespace octet::kernels::unary_f32
