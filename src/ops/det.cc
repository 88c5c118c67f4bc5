// Det: determinants of square matrices, by elimination with row pivots in double.
#include <cmath>
#include <utility>

#include "ops/axes.h"

namespace octet::ops {

namespace {

Shape without_matrix(const Shape& shape) {
  require(shape.rank() >= 2 && may_agree(shape[shape.rank() - 1], shape[shape.rank() - 2]), ErrorCode::kShapeMismatch, "Det wants square matrices, not ", shape);
  Shape result;
  for (int axis = 0; axis < shape.rank() - 2; ++axis) result.push_back(shape[axis]);
  return result;
}

void infer(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(0));
  context.set_output(0, context.dtype(0), without_matrix(context.shape(0)));
}

double determinant(double* m, int64_t n) {
  double result = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::fabs(m[i * n + k]) > std::fabs(m[pivot * n + k])) pivot = i;
    if (m[pivot * n + k] == 0) return 0;
    if (pivot != k) {
      for (int64_t j = 0; j < n; ++j) std::swap(m[k * n + j], m[pivot * n + j]);
      result = -result;
    }
    result *= m[k * n + k];
    for (int64_t i = k + 1; i < n; ++i) {
      double factor = m[i * n + k] / m[k * n + k];
      for (int64_t j = k; j < n; ++j) m[i * n + j] -= factor * m[k * n + j];
    }
  }
  return result;
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Tensor& y = context.output(0, x.dtype(), without_matrix(x.shape()));
  const int64_t n = x.shape()[x.shape().rank() - 1];
  std::vector<double> matrix(static_cast<size_t>(n * n));
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    T* to = typed<T>(y);
    for (int64_t i = 0, count = y.elements(); i < count; ++i, from += n * n) {
      for (int64_t k = 0; k < n * n; ++k) matrix[static_cast<size_t>(k)] = static_cast<double>(widen(from[k]));
      to[i] = narrow<T>(static_cast<Wide<T>>(determinant(matrix.data(), n)));
    }
  });
}

constexpr OperatorDef definitions[] = {{.name = "Det", .since_version = 11, .infer = infer, .evaluate = evaluate}};

}  // namespace

std::span<const OperatorDef> det_operators() { return definitions; }

}  // namespace octet::ops
