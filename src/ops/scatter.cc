// Scatter, ScatterElements and ScatterND: a copy of the data with some elements replaced, or combined with updates in order.
#include <cstring>

#include "ops/axes.h"
#include "ops/indices.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

enum class Reduction { kNone, kAdd, kMul, kMin, kMax };

Reduction reduction(const Attributes& attributes) {
  std::string name = attributes.string("reduction", "none");
  if (name == "none") return Reduction::kNone;
  if (name == "add") return Reduction::kAdd;
  if (name == "mul") return Reduction::kMul;
  if (name == "min") return Reduction::kMin;
  if (name == "max") return Reduction::kMax;
  fail(ErrorCode::kInvalidModel, "there is no reduction '", name, "'");
}

template <typename T>
void combine(T& target, T update, Reduction how) {
  auto a = widen(target), b = widen(update);
  using W = decltype(a);
  switch (how) {
    case Reduction::kNone: target = update; break;
    case Reduction::kAdd:
      if constexpr (std::is_floating_point_v<W>) target = narrow<T>(a + b);
      else target = narrow<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
      break;
    case Reduction::kMul:
      if constexpr (std::is_floating_point_v<W>) target = narrow<T>(a * b);
      else target = narrow<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
      break;
    case Reduction::kMin: if (b < a || b != b) target = update; break;
    case Reduction::kMax: if (b > a || b != b) target = update; break;
  }
}

void infer(InferContext& context) {
  require(context.dtype(0) == context.dtype(2), ErrorCode::kShapeMismatch, "updates of type ", context.dtype(2), " for data of type ",
          context.dtype(0));
  context.same_as_input(0, 0);
}

Tensor& copied_data(EvaluateContext& context) {
  const Tensor &data = context.input(0), &updates = context.input(2);
  require(updates.dtype() == data.dtype(), ErrorCode::kShapeMismatch, "updates of type ", updates.dtype(), " for data of type ", data.dtype());
  Tensor& y = context.output(0, data.dtype(), data.shape());
  if (data.elements() > 0 && y.raw() != data.raw()) std::memcpy(y.raw(), data.raw(), data.bytes());
  return y;
}

void evaluate_elements(EvaluateContext& context) {
  const Tensor &indices = context.input(1), &updates = context.input(2);
  Tensor& y = copied_data(context);
  const Shape& shape = indices.shape();
  int axis = normalize_axis(context.attributes().integer("axis", 0), y.shape().rank());
  require(shape == updates.shape() && shape.rank() == y.shape().rank(), ErrorCode::kShapeMismatch, "indices of shape ", shape,
          " and updates of shape ", updates.shape(), " for data of shape ", y.shape());
  for (int i = 0; i < shape.rank(); ++i)
    require(i == axis || shape[i] <= y.shape()[i], ErrorCode::kShapeMismatch, "indices of shape ", shape, " reach beyond data of shape ",
            y.shape());
  std::vector<int64_t> positions = checked_indices(indices, y.shape()[axis]);
  if (positions.empty()) return;
  Reduction how = reduction(context.attributes());
  std::vector<int64_t> strides = dense_strides(y.shape()), dense = dense_strides(shape);
  int64_t along = strides[static_cast<size_t>(axis)];
  strides[static_cast<size_t>(axis)] = 0;
  StridedLoop<2> loop;
  for (int i = 0; i < shape.rank(); ++i) loop.add_axis(shape[i], {dense[static_cast<size_t>(i)], strides[static_cast<size_t>(i)]});
  dispatch(y.dtype(), NumericAndBoolTypes(), [&]<typename T>() {
    const T* from = typed<T>(updates);
    T* to = typed<T>(y);
    const int64_t inner = loop.inner(), step = loop.inner_stride(1);
    loop.run(0, loop.rows(), [&](const int64_t(&offsets)[2]) {   // in order: later updates see earlier ones
      for (int64_t i = 0; i < inner; ++i)
        combine(to[offsets[1] + i * step + positions[static_cast<size_t>(offsets[0] + i)] * along], from[offsets[0] + i], how);
    });
  });
}

void evaluate_nd(EvaluateContext& context) {
  const Tensor &indices = context.input(1), &updates = context.input(2);
  Tensor& y = copied_data(context);
  const Shape &data = y.shape(), &shape = indices.shape();
  require(data.rank() >= 1 && shape.rank() >= 1, ErrorCode::kShapeMismatch, "ScatterND wants data and indices of rank 1 or more");
  int64_t depth = shape[shape.rank() - 1];
  require(depth >= 0 && depth <= data.rank(), ErrorCode::kShapeMismatch, "tuples of ", depth, " indices into data of shape ", data);
  Shape wanted;
  for (int i = 0; i + 1 < shape.rank(); ++i) wanted.push_back(shape[i]);
  for (int i = static_cast<int>(depth); i < data.rank(); ++i) wanted.push_back(data[i]);
  require(wanted == updates.shape(), ErrorCode::kShapeMismatch, "updates of shape ", updates.shape(), " where ", wanted, " is expected");
  IndexTuples tuples(data, indices, 0);
  Reduction how = reduction(context.attributes());
  dispatch(y.dtype(), NumericAndBoolTypes(), [&]<typename T>() {
    const T* from = typed<T>(updates);
    T* to = typed<T>(y);
    for (int64_t offset : tuples.offsets) {
      for (int64_t i = 0; i < tuples.slice; ++i) combine(to[offset * tuples.slice + i], from[i], how);
      from += tuples.slice;
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "Scatter", .since_version = 9, .min_inputs = 3, .max_inputs = 3, .infer = infer, .evaluate = evaluate_elements},
    {.name = "ScatterElements", .since_version = 11, .min_inputs = 3, .max_inputs = 3, .infer = infer, .evaluate = evaluate_elements},
    {.name = "ScatterND", .since_version = 11, .min_inputs = 3, .max_inputs = 3, .infer = infer, .evaluate = evaluate_nd},
};

}  // namespace

std::span<const OperatorDef> scatter_operators() { return definitions; }

}  // namespace octet::ops
