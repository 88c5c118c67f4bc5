// Operators whose result has as many elements as the data say: NonZero, Compress, Unique.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/axes.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

// --- NonZero -----------------------------------------------------------------------------------------------------------

void infer_non_zero(InferContext& context) {
  context.set_output(0, DType::kInt64, Shape{context.has_rank(0) ? context.shape(0).rank() : Shape::kUnknown, Shape::kUnknown});
}

void evaluate_non_zero(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  std::vector<int64_t> found;
  dispatch(x.dtype(), NumericAndBoolTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    for (int64_t i = 0, count = x.elements(); i < count; ++i)
      if (widen(from[i]) != 0) found.push_back(i);
  });
  const Shape& shape = x.shape();
  int64_t count = static_cast<int64_t>(found.size());
  int64_t* y = context.output(0, DType::kInt64, Shape{shape.rank(), count}).data<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = found[static_cast<size_t>(i)];
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      y[axis * count + i] = rest % shape[axis];
      rest /= shape[axis];
    }
  }
}

// --- Compress ----------------------------------------------------------------------------------------------------------

void infer_compress(InferContext& context) {
  if (!context.attributes().has("axis")) return context.set_output(0, context.dtype(0), Shape{Shape::kUnknown});
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(0));
  Shape shape = context.shape(0);
  shape[normalize_axis(context.attributes().integer("axis"), shape.rank())] = Shape::kUnknown;
  context.set_output(0, context.dtype(0), shape);
}

void evaluate_compress(EvaluateContext& context) {
  const Tensor &x = context.input(0), &condition = context.input(1);
  Shape shape = x.shape();
  int axis = 0;
  if (context.attributes().has("axis")) axis = normalize_axis(context.attributes().integer("axis"), shape.rank());
  else shape = Shape{x.elements()};
  const Boolean* flags = typed<Boolean>(condition);
  require(condition.elements() <= shape[axis], ErrorCode::kShapeMismatch, condition.elements(), " conditions for an extent of ", shape[axis]);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < condition.elements(); ++i)
    if (widen(flags[i])) kept.push_back(i);
  require(dtype_bits(x.dtype()) >= 8, ErrorCode::kUnsupported, "elements of type ", x.dtype(), " are not supported here");
  int64_t outer = shape.elements(0, axis), bytes = shape.elements(axis + 1, shape.rank()) * dtype_bits(x.dtype()) / 8, row = shape[axis] * bytes;
  shape[axis] = static_cast<int64_t>(kept.size());
  Tensor& y = context.output(0, x.dtype(), shape);
  if (y.elements() == 0) return;
  char* to = static_cast<char*>(y.raw());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t position : kept) {
      std::memcpy(to, static_cast<const char*>(x.raw()) + o * row + position * bytes, static_cast<size_t>(bytes));
      to += bytes;
    }
}

// --- Unique ------------------------------------------------------------------------------------------------------------

void infer_unique(InferContext& context) {
  if (!context.attributes().has("axis")) {
    context.set_output(0, context.dtype(0), Shape{Shape::kUnknown});
  } else if (context.has_rank(0)) {
    Shape shape = context.shape(0);
    shape[normalize_axis(context.attributes().integer("axis"), shape.rank())] = Shape::kUnknown;
    context.set_output(0, context.dtype(0), shape);
  } else {
    context.set_output_rank_unknown(0, context.dtype(0));
  }
  for (size_t i = 1; i < 4; ++i) context.set_output(i, DType::kInt64, Shape{Shape::kUnknown});
}

void evaluate_unique(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Shape shape = x.shape();
  int axis = 0;
  if (context.attributes().has("axis")) axis = normalize_axis(context.attributes().integer("axis"), shape.rank());
  else shape = Shape{x.elements()};
  const int64_t outer = shape.elements(0, axis), count = shape[axis], inner = shape.elements(axis + 1, shape.rank());
  std::vector<int64_t> order(static_cast<size_t>(count)), group_of(order.size()), first, members;
  std::iota(order.begin(), order.end(), int64_t{0});
  dispatch(x.dtype(), NumericAndBoolTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    // -1, 0, 1 for the slices a and b of the axis; NaN comes last and equals itself.
    auto compare = [&](int64_t a, int64_t b) {
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < inner; ++i) {
          auto left = widen(from[(o * count + a) * inner + i]), right = widen(from[(o * count + b) * inner + i]);
          if (left < right || (left == left && right != right)) return -1;
          if (right < left || (right == right && left != left)) return 1;
        }
      return 0;
    };
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return compare(a, b) < 0; });
    for (size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || compare(order[i - 1], order[i]) != 0) {
        first.push_back(order[i]);   // stable: the first of its kind
        members.push_back(0);
      }
      group_of[static_cast<size_t>(order[i])] = static_cast<int64_t>(first.size()) - 1;
      ++members.back();
    }
  });
  // The groups in the order asked for: by value, or as they first appear.
  std::vector<int64_t> rank(first.size());
  std::iota(rank.begin(), rank.end(), int64_t{0});
  if (context.attributes().integer("sorted", 1) == 0)
    std::sort(rank.begin(), rank.end(), [&](int64_t a, int64_t b) { return first[static_cast<size_t>(a)] < first[static_cast<size_t>(b)]; });
  const int64_t groups = static_cast<int64_t>(rank.size());
  std::vector<int64_t> place(rank.size());
  for (size_t i = 0; i < rank.size(); ++i) place[static_cast<size_t>(rank[i])] = static_cast<int64_t>(i);

  shape[axis] = groups;
  Tensor& y = context.output(0, x.dtype(), shape);
  dispatch_size(x.dtype(), [&]<typename T>() {
    const T* from = static_cast<const T*>(x.raw());
    T* to = static_cast<T*>(y.raw());
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t g : rank)
        for (int64_t i = 0; i < inner; ++i) *to++ = from[(o * count + first[static_cast<size_t>(g)]) * inner + i];
  });
  auto list = [&](size_t output, int64_t size, auto value) {
    if (!context.has_output(output)) return;
    int64_t* to = context.output(output, DType::kInt64, Shape{size}).template data<int64_t>();
    for (int64_t i = 0; i < size; ++i) to[i] = value(static_cast<size_t>(i));
  };
  list(1, groups, [&](size_t i) { return first[static_cast<size_t>(rank[i])]; });
  list(2, count, [&](size_t i) { return place[static_cast<size_t>(group_of[i])]; });
  list(3, groups, [&](size_t i) { return members[static_cast<size_t>(rank[i])]; });
}

constexpr OperatorDef definitions[] = {
    {.name = "NonZero", .since_version = 9, .infer = infer_non_zero, .evaluate = evaluate_non_zero},
    {.name = "Compress", .since_version = 9, .min_inputs = 2, .max_inputs = 2, .infer = infer_compress, .evaluate = evaluate_compress, .transparent = true},
    {.name = "Unique", .since_version = 11, .max_outputs = 4, .infer = infer_unique, .evaluate = evaluate_unique},
};

}  // namespace

std::span<const OperatorDef> select_operators() { return definitions; }

}  // namespace octet::ops
