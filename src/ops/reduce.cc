// The ten reductions: ReduceSum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare.
//
// Floats are combined in one fixed order: 16 lanes, element i in lane i mod 16, then the lanes in a tree. The result does not depend
// on threads or vector width.
#include <cmath>
#include <limits>

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
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) { return finish<T>(sum_row(x, n, identity<Wide<T>>)); }
};
struct ReduceMean {
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
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return finish<T>(reduce_row(x, n, Sum<T>(1), [](Wide<T> v) { return static_cast<Sum<T>>(v); }, [](Sum<T> a, Sum<T> b) { return a * b; }));
  }
};
struct ReduceSumSquare {
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return finish<T>(sum_row(x, n, [](Wide<T> v) { return static_cast<Sum<T>>(v) * static_cast<Sum<T>>(v); }));
  }
};
struct ReduceL1 {
  using Accepts = NumericTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return finish<T>(sum_row(x, n, [](Wide<T> v) { return v < 0 ? Sum<T>(0) - static_cast<Sum<T>>(v) : static_cast<Sum<T>>(v); }));
  }
};
struct ReduceL2 {
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
  using Accepts = NumericAndBoolTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return narrow<T>(reduce_row(x, n, lowest<T>(), identity<Wide<T>>, larger<Wide<T>>));
  }
};
struct ReduceMin {
  using Accepts = NumericAndBoolTypes;
  template <typename T> static T row(const T* x, int64_t n) {
    return narrow<T>(reduce_row(x, n, highest<T>(), identity<Wide<T>>, smaller<Wide<T>>));
  }
};
struct ReduceLogSumExp {
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

template <typename Reduction>
constexpr OperatorDef reduction(std::string_view name) {
  return {.name = name, .max_inputs = 2, .infer = infer, .evaluate = evaluate<Reduction>};
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
