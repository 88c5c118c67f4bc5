// Min, Max, Sum and Mean of any number of operands with broadcasting: folded from the left, two at a time.
#include "ops/binary.h"

namespace octet::ops {

namespace {

// NaN wins, as in NumPy.
struct Min : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Min";
  static constexpr auto kKernel = kernels::binary_f32::Op::kMin;
  static constexpr bool kMean = false;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return a < b || a != a ? a : b; }
};

struct Max : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Max";
  static constexpr auto kKernel = kernels::binary_f32::Op::kMax;
  static constexpr bool kMean = false;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return a > b || a != a ? a : b; }
};

struct Sum : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Sum";
  static constexpr auto kKernel = kernels::binary_f32::Op::kAdd;
  static constexpr bool kMean = false;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return a + b; }
};

struct Mean : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Mean";
  static constexpr bool kMean = true;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return a + b; }
};

template <typename Function>
void infer(InferContext& context) {
  for (size_t i = 1; i < context.inputs(); ++i) require_same_type(context.dtype(0), context.dtype(i));
  infer_broadcast(context, context.dtype(0), 0, context.inputs() - 1);
}

template <typename Function>
void evaluate(EvaluateContext& context) {
  Function function(context.node());
  DType dtype = context.input(0).dtype();
  Shape shape;
  for (size_t i = 0; i < context.inputs(); ++i) {
    require_same_type(dtype, context.input(i).dtype());
    shape = broadcast(shape, context.input(i).shape());
  }
  Tensor& y = context.output(0, dtype, shape);
  strided_copy(dtype, shape, context.input(0).raw(), broadcast_strides(context.input(0).shape(), shape), y.raw(), dense_strides(shape),
               context.pool());
  for (size_t i = 1; i < context.inputs(); ++i) {
    const Tensor& x = context.input(i);
    map_pairs(function, dtype, broadcast_loop<3>(shape, {&shape, &x.shape()}), y.raw(), x.raw(), y.raw(), context.pool());
  }
  if constexpr (Function::kMean) {
    dispatch(dtype, FloatTypes(), [&]<typename T>() {
      T* values = typed<T>(y);
      auto divisor = static_cast<Wide<T>>(context.inputs());
      for (int64_t i = 0, count = y.elements(); i < count; ++i) values[i] = narrow<T>(widen(values[i]) / divisor);
    });
  }
}

template <typename Function>
LayoutSupport layout(const Node& node) {
  return node.inputs.size() == 2 && !Function::kMean ? broadcast_layout(node) : LayoutSupport::kOnnxOnly;
}

template <typename Function>
bool bind(BindContext& context) {
  return context.node().inputs.size() == 2 && !Function::kMean && bind_binary<Function>(context);
}

template <typename Function>
constexpr OperatorDef variadic(int since_version) {
  return {.name = Function::kName, .since_version = since_version, .min_inputs = 1, .max_inputs = kVariadic, .infer = infer<Function>,
          .evaluate = evaluate<Function>, .bind = bind<Function>, .layout = layout<Function>};
}

constexpr OperatorDef definitions[] = {variadic<Min>(6), variadic<Max>(6), variadic<Sum>(6), variadic<Mean>(6)};

}  // namespace

std::span<const OperatorDef> variadic_operators() { return definitions; }

}  // namespace octet::ops
