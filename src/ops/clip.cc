// Clip: the bounds are attributes before opset 11, optional scalar inputs since.
#include <limits>

#include "ops/axes.h"
#include "ops/unary.h"

namespace octet::ops {

namespace {

struct ClipParameters {
  DType dtype;
  int64_t count;
  float low, high;   // in force where the inputs are left out
};

// Where both bounds bind, the upper one wins, also when it is below the lower one. NaN stays.
template <typename T>
T clip(T x, T low, T high) {
  T y = x < low ? low : x;
  return y > high ? high : y;
}

// A bound as T; a float bound outside of T's range is no bound at all.
template <typename T>
T bound(const void* input, float attribute, bool lower) {
  using W = Wide<T>;
  if (input != nullptr) return *static_cast<const T*>(input);
  if constexpr (kIsFloating<T>) {
    // Absent means no bound: infinities must pass.
    W infinity = std::numeric_limits<W>::infinity(), value = static_cast<W>(attribute);
    if (lower && attribute <= std::numeric_limits<float>::lowest()) value = -infinity;
    if (!lower && attribute >= std::numeric_limits<float>::max()) value = infinity;
    return narrow<T>(value);
  } else {
    return lower ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
  }
}

void clip_elements(const ClipParameters& p, const void* source, const void* low, const void* high, void* destination, ThreadPool* pool) {
  dispatch(p.dtype, NumericTypes(), [&]<typename T>() {
    const T* from = static_cast<const T*>(source);
    T* to = static_cast<T*>(destination);
    const auto lowest = widen(bound<T>(low, p.low, true)), highest = widen(bound<T>(high, p.high, false));
    parallel_ranges(pool, p.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = narrow<T>(clip(widen(from[i]), lowest, highest));
    });
  });
}

ClipParameters parameters(const Node& node, DType dtype, int64_t count) {
  return {dtype, count, node.attributes.real("min", std::numeric_limits<float>::lowest()),
          node.attributes.real("max", std::numeric_limits<float>::max())};
}

void infer(InferContext& context) {
  for (size_t i = 1; i < 3; ++i) {
    if (!context.has_input(i)) continue;
    require(context.dtype(i) == context.dtype(0), ErrorCode::kShapeMismatch, "a bound of type ", context.dtype(i), " for elements of type ",
            context.dtype(0));
    if (context.has_rank(i))
      require(may_agree(known_elements(context.shape(i), 0, context.shape(i).rank()), 1), ErrorCode::kShapeMismatch,
              "a bound must be a scalar, not of shape ", context.shape(i));
  }
  context.same_as_input(0, 0);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const void* bounds[2] = {nullptr, nullptr};
  for (size_t i = 1; i < 3; ++i) {
    if (!context.has_input(i)) continue;
    require(context.input(i).dtype() == x.dtype() && context.input(i).elements() == 1, ErrorCode::kShapeMismatch,
            "a bound must be one element of type ", x.dtype());
    bounds[i - 1] = context.input(i).raw();
  }
  Tensor& y = context.output(0, x.dtype(), x.shape());
  clip_elements(parameters(context.node(), x.dtype(), x.elements()), x.raw(), bounds[0], bounds[1], y.raw(), context.pool());
}

void run(const StepArguments& arguments) {
  clip_elements(arguments.params<ClipParameters>(), arguments.inputs[0], arguments.inputs[1], arguments.inputs[2], arguments.outputs[0],
                arguments.pool);
}

void run_without_high(const StepArguments& arguments) {
  clip_elements(arguments.params<ClipParameters>(), arguments.inputs[0], arguments.inputs[1], nullptr, arguments.outputs[0], arguments.pool);
}

void run_plain(const StepArguments& arguments) {
  clip_elements(arguments.params<ClipParameters>(), arguments.inputs[0], nullptr, nullptr, arguments.outputs[0], arguments.pool);
}

constexpr StepFunction steps[] = {{"Clip.attributes", run_plain}, {"Clip.low", run_without_high}, {"Clip", run}};

bool bind(BindContext& context) {
  dispatch(context.dtype(0), NumericTypes(), []<typename T>() {});
  for (size_t i = 1; i < 3; ++i)
    if (context.has_input(i) && context.shape(i).elements() != 1) return false;
  bool constant = (!context.has_input(1) || context.constant(1) != nullptr) && (!context.has_input(2) || context.constant(2) != nullptr);
  if (context.dtype(0) == DType::kFloat32 && constant) {
    auto p = parameters(context.node(), DType::kFloat32, 1);
    float low = bound<float>(context.has_input(1) ? context.constant(1)->raw() : nullptr, p.low, true);
    float high = bound<float>(context.has_input(2) ? context.constant(2)->raw() : nullptr, p.high, false);
    if (low <= high) return bind_unary_kernel(context, {kernels::unary_f32::Op::kClip, {low, high}});
  }
  context.set(steps[context.node().inputs.size() - 1], parameters(context.node(), context.dtype(0), context.shape(0).elements()),
              "elementwise/reference");
  context.allow_in_place(0);
  return true;
}

double scalar_function(const Node& node, double x) {
  auto p = parameters(node, DType::kFloat32, 1);
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  if (node.attributes.has("min")) low = static_cast<double>(p.low);
  if (node.attributes.has("max")) high = static_cast<double>(p.high);
  if (node.input(1) != nullptr) low = real_of(node.input(1)->constant());
  if (node.input(2) != nullptr) high = real_of(node.input(2)->constant());
  return clip(x, low, high);
}

constexpr OperatorDef definitions[] = {
    {.name = "Clip", .since_version = 6, .max_inputs = 3, .infer = infer, .evaluate = evaluate, .bind = bind, .layout = agnostic,
     .scalar_function = scalar_function},
};

}  // namespace

std::span<const OperatorDef> clip_operators() { return definitions; }

}  // namespace octet::ops
