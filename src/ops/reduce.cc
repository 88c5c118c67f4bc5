// The ten reductions: ReduceSum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare.
//
// Floats are combined in one fixed order: 16 lanes, element i in lane i mod 16, then the lanes in a tree. The result does not depend
// on threads or vector width.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/reduce_f32/reduce_f32.h"
#include "ops/axes.h"
#include "ops/strided.h"
#include "ops/lowering.h"

namespace octet::ops {

namespace {

constexpr int kLanes = 16;

template <typename W, typename T, typename Map, typename Combine>
W reduce_row(const T* x, int64_t count, W start, const Map& map, const Combine& combine) {
  W lanes[kLanes];
  for (W& lane : lanes) lane = start;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int j = 0; j < kLanes; ++j) lanes[j] = combine(lanes[j], map(widen(x[i + j])));
  for (int j = 0; i < count; ++i, ++j) lanes[j] = combine(lanes[j], map(widen(x[i])));
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lanes[j] = combine(lanes[j], lanes[j + width]);
  return lanes[0];
}

// Integers are summed in wrapping 64 bits.
template <typename T>
using Sum = std::conditional_t<kIsFloating<T>, Wide<T>, uint64_t>;

template <typename T, typename Map>
Sum<T> sum_row(const T* x, int64_t count, const Map& map) {
  return reduce_row(x, count, Sum<T>(0), [&](Wide<T> v) { return static_cast<Sum<T>>(map(v)); }, [](Sum<T> a, Sum<T> b) { return a + b; });
}

template <typename T>
auto identity(T x) { return x; }

// Back from 64 bits to the element type; square roots and logarithms of integers are cut off.
template <typename T>
T finish(Sum<T> value) { return narrow<T>(value); }
template <typename T>
double as_real(Sum<T> value) {
  if constexpr (kIsFloating<T>) return static_cast<double>(value);
  else return static_cast<double>(static_cast<int64_t>(value));
}
template <typename T>
T from_real(double value) {
  if constexpr (kIsFloating<T>) return narrow<T>(static_cast<Wide<T>>(value));
  else return std::isfinite(value) ? static_cast<T>(static_cast<int64_t>(value)) : T{};
}

struct ReduceSum {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kSum;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) { return finish<T>(sum_row(x, n, identity<Wide<T>>)); }
};
struct ReduceMean {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kMean;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    auto sum = sum_row(x, n, identity<Wide<T>>);
    if constexpr (kIsFloating<T>) return narrow<T>(sum / static_cast<Wide<T>>(n));
    else if (n == 0) return T{};
    else if constexpr (std::is_signed_v<T>) return static_cast<T>(static_cast<int64_t>(sum) / n);
    else return static_cast<T>(sum / static_cast<uint64_t>(n));
  }
};
struct ReduceProd {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kProduct;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return finish<T>(reduce_row(x, n, Sum<T>(1), [](Wide<T> v) { return static_cast<Sum<T>>(v); }, [](Sum<T> a, Sum<T> b) { return a * b; }));
  }
};
struct ReduceSumSquare {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kSumOfSquares;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return finish<T>(sum_row(x, n, [](Wide<T> v) { return static_cast<Sum<T>>(v) * static_cast<Sum<T>>(v); }));
  }
};
struct ReduceL1 {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kNorm1;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return finish<T>(sum_row(x, n, [](Wide<T> v) { return v < 0 ? Sum<T>(0) - static_cast<Sum<T>>(v) : static_cast<Sum<T>>(v); }));
  }
};
struct ReduceL2 {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kNorm2;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    auto sum = sum_row(x, n, [](Wide<T> v) { return static_cast<Sum<T>>(v) * static_cast<Sum<T>>(v); });
    if constexpr (kIsFloating<T>) return narrow<T>(std::sqrt(sum));
    else return from_real<T>(std::sqrt(as_real<T>(sum)));
  }
};
struct ReduceLogSum {
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    auto sum = sum_row(x, n, identity<Wide<T>>);
    if constexpr (kIsFloating<T>) return narrow<T>(std::log(sum));
    else return from_real<T>(std::log(as_real<T>(sum)));
  }
};

// NaN wins.
template <typename T> constexpr T larger(T a, T b) { return a > b || a != a ? a : b; }
template <typename T> constexpr T smaller(T a, T b) { return a < b || a != a ? a : b; }

template <typename T> Wide<T> lowest() {
  if constexpr (std::is_same_v<T, Boolean>) return false;
  else if constexpr (kIsFloating<T>) return -std::numeric_limits<Wide<T>>::infinity();
  else return std::numeric_limits<T>::min();
}
template <typename T> Wide<T> highest() {
  if constexpr (std::is_same_v<T, Boolean>) return true;
  else if constexpr (kIsFloating<T>) return std::numeric_limits<Wide<T>>::infinity();
  else return std::numeric_limits<T>::max();
}

struct ReduceMax {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kMax;
  using Accepts = NumericAndBoolTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return narrow<T>(reduce_row(x, n, lowest<T>(), identity<Wide<T>>, larger<Wide<T>>));
  }
};
struct ReduceMin {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kMin;
  using Accepts = NumericAndBoolTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return narrow<T>(reduce_row(x, n, highest<T>(), identity<Wide<T>>, smaller<Wide<T>>));
  }
};
struct ReduceLogSumExp {
  static constexpr auto kKernel = kernels::reduce_f32::Op::kLogSumExp;
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    using Real = std::conditional_t<kIsFloating<T>, Wide<T>, double>;
    Real largest = static_cast<Real>(reduce_row(x, n, lowest<T>(), identity<Wide<T>>, larger<Wide<T>>));
    if (n == 0) largest = -std::numeric_limits<Real>::infinity();
    if (std::isinf(largest)) return from_real<T>(static_cast<double>(largest));   // also: nothing at all
    Real sum = reduce_row(x, n, Real(0), [&](Wide<T> v) { return std::exp(static_cast<Real>(v) - largest); }, [](Real a, Real b) { return a + b; });
    return from_real<T>(static_cast<double>(std::log(sum) + largest));
  }
};

// --- shapes --------------------------------------------------------------------------------------------------------------

// Which axes go; none at all means every axis, unless noop_with_empty_axes asks for nothing to happen.
std::vector<bool> reduced_axes(const IntegerList& axes, const Attributes& attributes, int rank) {
  if (!axes.values.empty()) return axis_flags(axes.values, rank);
  return std::vector<bool>(static_cast<size_t>(rank), attributes.integer("noop_with_empty_axes", 0) == 0);
}

Shape reduced(const Shape& shape, const std::vector<bool>& gone, bool keep) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (!gone[static_cast<size_t>(axis)]) result.push_back(shape[axis]);
    else if (keep) result.push_back(1);
  return result;
}

void infer(InferContext& context) {
  DType dtype = context.dtype(0);
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, dtype);
  IntegerList axes = attribute_or_input(context, "axes", 1);
  bool keep = context.attributes().integer("keepdims", 1) != 0;
  const Shape& shape = context.shape(0);
  if (axes.known) return context.set_output(0, dtype, reduced(shape, reduced_axes(axes, context.attributes(), shape.rank()), keep));
  if (keep) return context.set_output(0, dtype, unknown_extents(shape.rank()));
  if (context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] > 0)
    return context.set_output(0, dtype, unknown_extents(shape.rank() - context.shape(1)[0]));
  context.set_output_rank_unknown(0, dtype);
}

template <typename Reduction>
void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const Shape& shape = x.shape();
  std::vector<bool> gone = reduced_axes(attribute_or_input(context, "axes", 1), context.attributes(), shape.rank());
  bool keep = context.attributes().integer("keepdims", 1) != 0;
  bool any = shape.rank() == 0;
  for (bool flag : gone) any |= flag;
  if (!any || (shape.rank() == 0 && context.attributes().integer("noop_with_empty_axes", 0) != 0)) return context.forward(0, x);

  // Bring the reduced axes to the back.
  std::vector<int> order;
  int64_t rows = 1, count = 1;
  bool moved = false;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (!gone[static_cast<size_t>(axis)]) {
      moved |= static_cast<int>(order.size()) != axis;
      order.push_back(axis);
      rows *= shape[axis];
    }
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (gone[static_cast<size_t>(axis)]) {
      order.push_back(axis);
      count *= shape[axis];
    }
  Tensor sorted = x;
  if (moved && x.elements() > 0) {
    sorted = Tensor(x.dtype(), Shape{x.elements()});
    transpose_copy(x.dtype(), shape, order, x.raw(), sorted.raw(), context.pool());
  }
  Tensor& y = context.output(0, x.dtype(), reduced(shape, gone, keep));
  dispatch(x.dtype(), typename Reduction::Accepts(), [&]<typename T>() {
    const T* from = typed<T>(static_cast<const Tensor&>(sorted));
    T* to = typed<T>(y);
    parallel_ranges(context.pool(), rows, count, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) to[r] = Reduction::row(from + r * count, count);
    });
  });
}

// --- the fast step ----------------------------------------------------------------------------------------------------------

namespace reduce_f32 = kernels::reduce_f32;

struct Block { int64_t outer, count, inner; };

// The reduced axes as one block of a tensor that lies as [outer][count][inner]; none when they are not neighbours in memory.
std::optional<Block> block_of(const Node& node, bool channels_last) {
  const Value& x = *node.inputs[0];
  const int rank = x.shape->rank();
  IntegerList axes;
  if (const Value* input = node.input(1)) {
    if (!input->is_constant()) return {};
    axes = {true, true, integers_of(input->constant())};
  } else if (node.attributes.has("axes")) {
    auto values = node.attributes.integers("axes");
    axes = {true, true, std::vector<int64_t>(values.begin(), values.end())};
  }
  std::vector<bool> gone = reduced_axes(axes, node.attributes, rank);
  if (channels_last && node.attributes.integer("keepdims", 1) == 0) return {};
  std::vector<int> order;
  for (int axis = 0; axis < rank; ++axis)
    if (!channels_last || axis != 1) order.push_back(axis);
  if (channels_last) order.push_back(1);
  Block block{1, 1, 1};
  int state = 0;   // 0: before the block, 1: in it, 2: behind it
  for (int axis : order) {
    const int64_t extent = (*x.shape)[axis];
    const bool reduced = gone[static_cast<size_t>(axis)];
    if (extent == 1) continue;
    if (reduced && state == 2) return {};
    if (reduced) state = 1;
    else if (state == 1) state = 2;
    (state == 0 ? block.outer : state == 1 ? block.count : block.inner) *= extent;
  }
  return block;
}

struct ReduceParameters {
  const reduce_f32::Kernel* kernel;
  reduce_f32::Op op;
  Block block;
};

void run(const StepArguments& arguments) {
  const auto& p = arguments.params<ReduceParameters>();
  const float* x = static_cast<const float*>(arguments.inputs[0]);
  float* y = static_cast<float*>(arguments.outputs[0]);
  const auto [outer, count, inner] = p.block;
  if (inner == 1) {
    arguments.pool->parallel_for(outer, std::max<int64_t>(8192 / std::max<int64_t>(count, 1), 1), [&](int64_t begin, int64_t end, int) {
      p.kernel->rows(p.op, x + begin * count, y + begin, end - begin, count, count);
    });
    return;
  }
  constexpr int64_t kStrip = 256;   // columns: a wide picture is shared out too
  const int64_t strips = (inner + kStrip - 1) / kStrip;
  arguments.pool->parallel_for(outer * strips, std::max<int64_t>(8192 / (count * kStrip + 1), 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t o = i / strips, first = i % strips * kStrip;
      p.kernel->columns(p.op, x + o * count * inner + first, y + o * inner + first, count, std::min(kStrip, inner - first), inner);
    }
  });
}

constexpr StepFunction step = {"reduce_f32", run};

template <reduce_f32::Op op>
bool bind(BindContext& context) {
  if (context.dtype(0) != DType::kFloat32) return false;
  auto block = block_of(context.node(), context.layout(0) == Layout::kChannelsLast);
  if (!block) return false;
  const auto& entry = reduce_f32::select(context.isa());
  context.set(step, ReduceParameters{entry.kernel, op, *block}, std::string("reduce_f32/") + entry.name);
  return true;
}

LayoutSupport layout(const Node& node) {
  if (node.inputs[0]->dtype != DType::kFloat32 || node.inputs[0]->shape->rank() < 3) return LayoutSupport::kOnnxOnly;
  return block_of(node, true) ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

template <typename Reduction>
constexpr OperatorDef reduction(std::string_view name) {
  OperatorDef definition{.name = name, .max_inputs = 2, .infer = infer, .evaluate = evaluate<Reduction>};
  if constexpr (requires { Reduction::kKernel; }) {
    definition.bind = bind<Reduction::kKernel>;
    definition.layout = layout;
  }
  return definition;
}

constexpr OperatorDef definitions[] = {
    reduction<ReduceSum>("ReduceSum"), with_lower(reduction<ReduceMean>("ReduceMean"), lower_reduce_mean), reduction<ReduceMax>("ReduceMax"),
    reduction<ReduceMin>("ReduceMin"), reduction<ReduceProd>("ReduceProd"), reduction<ReduceL1>("ReduceL1"),
    reduction<ReduceL2>("ReduceL2"), reduction<ReduceLogSum>("ReduceLogSum"), reduction<ReduceLogSumExp>("ReduceLogSumExp"),
    reduction<ReduceSumSquare>("ReduceSumSquare"),
};

}  // namespace

std::span<const OperatorDef> reduce_operators() { return definitions; }

}  // namespace octet::ops
