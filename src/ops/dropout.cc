// Dropout at inference: nothing is dropped.
#include "ops/axes.h"


namespace octet::ops {

namespace {

DType mask_type(int version, DType dtype) { return version < 10 ? dtype : DType::kBool; }

void infer(InferContext& context) {
  context.same_as_input(0, 0);
  DType mask = mask_type(context.version(), context.dtype(0));
  if (context.has_rank(0)) context.set_output(1, mask, context.shape(0));
  else context.set_output_rank_unknown(1, mask);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  if (context.has_input(2) && context.input(2).elements() == 1 && widen(*typed<Boolean>(context.input(2)))) {
    double ratio = context.has_input(1) ? real_of(context.input(1)) : 0.5;
    require(ratio == 0, ErrorCode::kUnsupported, "a Dropout in training mode is random");
  }
  if (context.has_output(1)) {
    Tensor& mask = context.output(1, mask_type(context.version(), x.dtype()), x.shape());
    dispatch(mask.dtype(), NumericAndBoolTypes(), [&]<typename T>() {
      T* to = typed<T>(mask);
      for (int64_t i = 0, count = mask.elements(); i < count; ++i) to[i] = narrow<T>(1);
    });
  }
  context.forward(0, x);
}

constexpr OperatorDef definitions[] = {
    {.name = "Dropout", .max_inputs = 3, .max_outputs = 2, .infer = infer, .evaluate = evaluate, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> dropout_operators() { return definitions; }

}  // namespace octet::ops
