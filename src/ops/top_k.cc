// TopK: the k largest (or smallest) elements of an axis with their positions. Among equals the lower position comes first;
// NaN counts as larger than everything. The output is always sorted.
#include <algorithm>
#include <numeric>

#include "ops/axes.h"

namespace octet::ops {

namespace {

void check_k(int64_t k, int64_t extent) {
  require(k >= 0 && (extent < 0 || k <= extent), ErrorCode::kShapeMismatch, "the top ", k, " of an extent of ", extent);
}

void infer(InferContext& context) {
  if (!context.has_rank(0)) {
    context.set_output_rank_unknown(0, context.dtype(0));
    return context.set_output_rank_unknown(1, DType::kInt64);
  }
  Shape shape = context.shape(0);
  int axis = normalize_axis(context.attributes().integer("axis", -1), shape.rank());
  int64_t k = Shape::kUnknown;
  if (!context.has_input(1)) k = context.attributes().integer("k");
  else if (const Tensor* tensor = context.constant(1)) k = integer_of(*tensor);
  if (!context.has_input(1) || context.constant(1) != nullptr) check_k(k, shape[axis]);
  shape[axis] = k;
  context.set_output(0, context.dtype(0), shape);
  context.set_output(1, DType::kInt64, shape);
}

template <typename W>
bool before(W a, W b, bool largest) {
  if (a != a || b != b) return largest ? a != a && b == b : a == a && b != b;
  return largest ? a > b : a < b;
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Shape shape = x.shape();
  int axis = normalize_axis(context.attributes().integer("axis", -1), shape.rank());
  int64_t k = context.has_input(1) ? integer_of(context.input(1)) : context.attributes().integer("k");
  check_k(k, shape[axis]);
  bool largest = context.attributes().integer("largest", 1) != 0;
  int64_t outer = shape.elements(0, axis), count = shape[axis], inner = shape.elements(axis + 1, shape.rank());
  shape[axis] = k;
  Tensor& values = context.output(0, x.dtype(), shape);
  int64_t* indices = context.output(1, DType::kInt64, shape).data<int64_t>();
  if (values.elements() == 0) return;
  dispatch(x.dtype(), NumericTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    T* to = typed<T>(values);
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::vector<Wide<T>> row(order.size());
    for (int64_t r = 0; r < outer * inner; ++r) {
      const T* start = from + r / inner * count * inner + r % inner;
      for (size_t i = 0; i < row.size(); ++i) row[i] = widen(start[static_cast<int64_t>(i) * inner]);
      std::iota(order.begin(), order.end(), int64_t{0});
      auto less = [&](int64_t a, int64_t b) {
        auto left = row[static_cast<size_t>(a)], right = row[static_cast<size_t>(b)];
        if (before(left, right, largest)) return true;
        return !before(right, left, largest) && a < b;
      };
      // Select before sorting: k is usually much smaller than the extent.
      if (k < count) std::nth_element(order.begin(), order.begin() + k, order.end(), less);
      std::sort(order.begin(), order.begin() + k, less);
      for (int64_t i = 0; i < k; ++i) {
        int64_t position = order[static_cast<size_t>(i)], target = (r / inner * k + i) * inner + r % inner;
        to[target] = start[position * inner];
        indices[target] = position;
      }
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "TopK", .max_inputs = 2, .min_outputs = 1, .max_outputs = 2, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> top_k_operators() { return definitions; }

}  // namespace octet::ops
