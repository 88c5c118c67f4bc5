// ONNX Runtime's Gelu forms that add a bias first: BiasGelu (exact) and FastGelu (tanh form, the bias may be left out).
#include "ops/activation_functions.h"
#include "ops/binary.h"

namespace octet::ops {

namespace {

struct BiasGelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "BiasGelu";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x, T bias) const { return gelu_erf(x + bias); }
};

struct FastGelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "FastGelu";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return gelu_tanh(x); }
  UnaryKernel kernel() const { return {kernels::unary_f32::Op::kGeluTanh, {}}; }
};

struct FastGeluBias : Elementwise<FloatTypes> {
  static constexpr char kName[] = "FastGelu.bias";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x, T bias) const { return gelu_tanh(x + bias); }
};

void infer_fast(InferContext& context) { context.has_input(1) ? infer_binary<FastGeluBias>(context) : infer_unary<FastGelu>(context); }
void evaluate_fast(EvaluateContext& context) {
  context.has_input(1) ? evaluate_binary<FastGeluBias>(context) : evaluate_unary<FastGelu>(context);
}
bool bind_fast(BindContext& context) {
  return context.has_input(1) ? bind_binary<FastGeluBias>(context) : bind_unary<FastGelu>(context);
}

constexpr OperatorDef definitions[] = {
    binary<BiasGelu>(1, "com.microsoft"),
    {.domain = "com.microsoft", .name = "FastGelu", .min_inputs = 1, .max_inputs = 2, .infer = infer_fast, .evaluate = evaluate_fast,
     .bind = bind_fast, .layout = broadcast_layout},
};

}  // namespace

std::span<const OperatorDef> gelu_bias_operators() { return definitions; }

}  // namespace octet::ops
