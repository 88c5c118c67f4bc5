// Operators y = f(a, b) with broadcasting, defined by one function object (see unary.h). A function that binary_f32 computes names it
// as kKernel.
#pragma once

#include "ops/broadcast.h"
#include "ops/unary.h"

namespace octet::ops {

template <typename Function>
DType binary_result(DType input) { return kKeepsType<Function> ? input : DType::kBool; }

template <typename Function>
void map_pairs(const Function& function, DType dtype, const StridedLoop<3>& loop, const void* a, const void* b, void* y,
               ThreadPool* pool) {
  dispatch(dtype, typename Function::Accepts(), [&]<typename T>() {
    using Out = typename UnaryResult<Function, T>::type;
    broadcast_binary(loop, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<Out*>(y), pool, function);
  });
}

inline void require_same_type(DType a, DType b) {
  require(a == b, ErrorCode::kShapeMismatch, "the operands have the types ", a, " and ", b);
}

template <typename Function>
void infer_binary(InferContext& context) {
  require_same_type(context.dtype(0), context.dtype(1));
  infer_broadcast(context, binary_result<Function>(context.dtype(0)), 0, 1);
}

template <typename Function>
void evaluate_binary(EvaluateContext& context) {
  const Tensor &a = context.input(0), &b = context.input(1);
  require_same_type(a.dtype(), b.dtype());
  Shape shape = broadcast(a.shape(), b.shape());
  Tensor& y = context.output(0, binary_result<Function>(a.dtype()), shape);
  map_pairs(Function(context.node()), a.dtype(), broadcast_loop<3>(shape, {&a.shape(), &b.shape()}), a.raw(), b.raw(), y.raw(),
            context.pool());
}

template <typename Function>
struct BinaryStep {
  struct Parameters {
    Function function;
    StridedLoop<3> loop;
    DType dtype;
  };
  static void run(const StepArguments& arguments) {
    const auto& parameters = arguments.params<Parameters>();
    map_pairs(parameters.function, parameters.dtype, parameters.loop, arguments.inputs[0], arguments.inputs[1], arguments.outputs[0],
              arguments.pool);
  }
  static constexpr StepFunction step = {Function::kName, run};
};

template <typename Function>
bool bind_binary(BindContext& context) {
  using Step = BinaryStep<Function>;
  dispatch(context.dtype(0), typename Function::Accepts(), []<typename T>() {});
  const Node& node = context.node();
  auto loop = step_loop<3>(*node.outputs[0], {node.inputs[0], node.inputs[1]});
  bool bound = false;
  if constexpr (requires(const Function& f) { f.limits(); })
    bound = bind_binary_kernel(context, Function::kKernel, loop, Function(node).limits());
  else if constexpr (requires { Function::kKernel; })
    bound = context.dtype(0) == DType::kFloat32 && bind_binary_kernel(context, Function::kKernel, loop);
  if (!bound) context.set(Step::step, typename Step::Parameters{Function(node), loop, context.dtype(0)}, std::string("broadcast/reference"));
  if (kKeepsType<Function>)
    for (size_t i = 0; i < 2; ++i)
      if (context.shape(i) == context.output_shape() && context.layout(i) == context.output_layout()) context.allow_in_place(i);
  return true;
}

template <typename Function>
constexpr OperatorDef binary(int since_version = 7, std::string_view domain = {}) {
  return {.domain = domain, .name = Function::kName, .since_version = since_version, .min_inputs = 2, .max_inputs = 2,
          .infer = infer_binary<Function>, .evaluate = evaluate_binary<Function>, .bind = bind_binary<Function>,
          .layout = broadcast_layout};
}

}  // namespace octet::ops
