// Operators y = f(x) on every element of input 0, defined by one function object.
//
//   struct Softsign : Elementwise<FloatTypes> {
//     static constexpr char kName[] = "Softsign";
//     using Elementwise::Elementwise;                               // or a constructor from Node that reads attributes
//     auto operator()(auto x) const { return x / (1 + std::abs(x)); }
//   };
//   ... unary<Softsign>() ...
//
// A function that a float kernel computes says so: `UnaryKernel kernel() const`. Then float32 goes through the kernel everywhere, so
// that a folded constant, a reference step and a fast one agree to the bit, and scalar_function uses our own double arithmetic.
//
// The function object is plain data: it is what a step keeps as its parameters.
#pragma once

#include <cmath>

#include "graph/operator.h"
#include "ops/dispatch.h"
#include "ops/float_steps.h"

namespace octet::ops {

template <typename List>
struct Elementwise {
  using Accepts = List;
  Elementwise() = default;
  explicit Elementwise(const Node&) {}
};

// What the function makes of T: T itself, or Boolean where the function says so.
template <typename Function, typename T>
struct UnaryResult { using type = T; };
template <typename Function, typename T>
  requires requires { typename Function::Result; }
struct UnaryResult<Function, T> { using type = typename Function::Result; };

template <typename Function>
constexpr bool kKeepsType = !requires { typename Function::Result; };

template <typename Function>
constexpr bool kHasKernel = requires(const Function& function) { function.kernel(); };

template <typename Function>
void map_elements(const Function& function, DType dtype, int64_t count, const void* source, void* destination, ThreadPool* pool) {
  if constexpr (kHasKernel<Function>)
    if (dtype == DType::kFloat32)
      return run_unary_kernel(function.kernel(), static_cast<const float*>(source), static_cast<float*>(destination), count, pool);
  dispatch(dtype, typename Function::Accepts(), [&]<typename T>() {
    using Out = typename UnaryResult<Function, T>::type;
    const T* from = static_cast<const T*>(source);
    Out* to = static_cast<Out*>(destination);
    parallel_ranges(pool, count, 4, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = narrow<Out>(function(widen(from[i])));
    });
  });
}

template <typename Function>
void infer_unary(InferContext& context) {
  if constexpr (kKeepsType<Function>) return context.same_as_input(0, 0);
  if (context.has_rank(0)) context.set_output(0, DType::kBool, context.shape(0));
  else context.set_output_rank_unknown(0, DType::kBool);
}

template <typename Function>
void evaluate_unary(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Tensor& y = context.output(0, kKeepsType<Function> ? x.dtype() : DType::kBool, x.shape());
  map_elements(Function(context.node()), x.dtype(), x.elements(), x.raw(), y.raw(), context.pool());
}

template <typename Function>
struct UnaryStep {
  struct Parameters {
    Function function;
    int64_t count;
    DType dtype;
  };
  static void run(const StepArguments& arguments) {
    const auto& parameters = arguments.params<Parameters>();
    map_elements(parameters.function, parameters.dtype, parameters.count, arguments.inputs[0], arguments.outputs[0], arguments.pool);
  }
  static constexpr const char* name() {
    if constexpr (requires { Function::kStep; }) return Function::kStep;
    else return Function::kName;
  }
  static constexpr StepFunction step = {name(), run};
};

template <typename Function>
bool bind_unary(BindContext& context) {
  using Step = UnaryStep<Function>;
  if constexpr (kHasKernel<Function>)
    if (context.dtype(0) == DType::kFloat32) return bind_unary_kernel(context, Function(context.node()).kernel());
  dispatch(context.dtype(0), typename Function::Accepts(), []<typename T>() {});   // refuses other types before the step runs
  context.set(Step::step, typename Step::Parameters{Function(context.node()), context.shape(0).elements(), context.dtype(0)},
              std::string("elementwise/reference"));
  if (kKeepsType<Function>) context.allow_in_place(0);
  return true;
}

inline LayoutSupport agnostic(const Node&) { return LayoutSupport::kAgnostic; }

template <typename Function>
double scalar_of(const Node& node, double x) {
  if constexpr (kHasKernel<Function>) {
    UnaryKernel kernel = Function(node).kernel();
    return kernels::unary_f32::evaluate(kernel.op, kernel.parameters, x);
  } else {
    return static_cast<double>(Function(node)(x));
  }
}

template <typename Function>
constexpr OperatorDef unary(int since_version = 1, std::string_view domain = {}) {
  OperatorDef definition{.domain = domain, .name = Function::kName, .since_version = since_version, .infer = infer_unary<Function>,
                         .evaluate = evaluate_unary<Function>, .bind = bind_unary<Function>, .layout = agnostic};
  if constexpr (kKeepsType<Function> && requires(Function function) { function(0.0); })
    definition.scalar_function = scalar_of<Function>;
  return definition;
}

}  // namespace octet::ops
