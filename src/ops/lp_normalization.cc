// Normalizations along an axis, over free axes, and over neighbouring channels: LpNormalization, MeanVarianceNormalization, LRN.
#include <cmath>

#include "kernels/math.h"
#include "kernels/math_double.h"
#include "ops/axes.h"
#include "ops/numeric.h"

namespace octet::ops {

namespace {

void infer_lp(InferContext& context) {
  context.same_as_input(0, 0);
  checked_integer(context.attributes(), "p", 2, 1, 2);
  if (context.has_rank(0)) normalize_axis(context.attributes().integer("axis", -1), context.shape(0).rank());
}

void evaluate_lp(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  int axis = normalize_axis(context.attributes().integer("axis", -1), shape.rank());
  int64_t p = checked_integer(context.attributes(), "p", 2, 1, 2);
  int64_t extent = shape[axis], inner = shape.elements(axis + 1, shape.rank()), outer = shape.elements(0, axis);
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), shape);
    for (int64_t line = 0; line < outer * inner; ++line) {
      int64_t start = line / inner * extent * inner + line % inner;
      double sum = 0;
      for (int64_t i = 0; i < extent; ++i) {
        double value = static_cast<double>(x[start + i * inner]);
        sum += p == 2 ? value * value : value < 0 ? -value : value;
      }
      double norm = p == 2 ? std::sqrt(sum) : sum;
      for (int64_t i = 0; i < extent; ++i)
        y[start + i * inner] = norm == 0 ? T(0) : static_cast<T>(static_cast<double>(x[start + i * inner]) / norm);
    }
  });
}

std::vector<bool> mean_axes(const Node& node, int rank) {
  std::span<const int64_t> axes = node.attributes.integers("axes");
  constexpr int64_t standard[] = {0, 2, 3};
  return axis_flags(axes.empty() ? std::span<const int64_t>(standard) : axes, rank);
}

void infer_mean_variance(InferContext& context) {
  context.same_as_input(0, 0);
  if (context.has_rank(0)) mean_axes(context.node(), context.shape(0).rank());
}

void evaluate_mean_variance(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  std::vector<bool> reduced = mean_axes(context.node(), shape.rank());
  // Which sum an element belongs to, by strides over the kept axes.
  std::vector<int64_t> stride(static_cast<size_t>(shape.rank()), 0);
  int64_t groups = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (reduced[static_cast<size_t>(axis)]) continue;
    stride[static_cast<size_t>(axis)] = groups;
    groups *= shape[axis];
  }
  auto group_of = [&](int64_t i) {
    int64_t group = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      group += i % shape[axis] * stride[static_cast<size_t>(axis)];
      i /= shape[axis];
    }
    return static_cast<size_t>(group);
  };
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), shape);
    if (x.size() == 0) return;
    double count = static_cast<double>(x.size() / groups);
    std::vector<double> mean(static_cast<size_t>(groups)), deviation(static_cast<size_t>(groups));
    for (int64_t i = 0; i < x.size(); ++i) mean[group_of(i)] += static_cast<double>(x[i]);
    for (double& m : mean) m /= count;
    for (int64_t i = 0; i < x.size(); ++i) {
      double d = static_cast<double>(x[i]) - mean[group_of(i)];
      deviation[group_of(i)] += d * d;
    }
    for (double& d : deviation) d = std::sqrt(d / count) + 1e-9;
    for (int64_t i = 0; i < x.size(); ++i) y[i] = static_cast<T>((static_cast<double>(x[i]) - mean[group_of(i)]) / deviation[group_of(i)]);
  });
}

void infer_lrn(InferContext& context) {
  context.same_as_input(0, 0);
  context.attributes().integer("size");
  checked_integer(context.attributes(), "size", 1, 1, int64_t{1} << 30);
  if (context.has_rank(0))
    require(context.shape(0).rank() >= 2, ErrorCode::kShapeMismatch, "an input of shape ", context.shape(0), " has no channels");
}

void evaluate_lrn(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  require(shape.rank() >= 2, ErrorCode::kShapeMismatch, "an input of shape ", shape, " has no channels");
  const Attributes& attributes = context.attributes();
  int64_t size = checked_integer(attributes, "size", 1, 1, int64_t{1} << 30), channels = shape[1], inner = shape.elements(2, shape.rank());
  float alpha = attributes.real("alpha", 1e-4f), beta = attributes.real("beta", 0.75f), bias = attributes.real("bias", 1.0f);
  int64_t before = (size - 1) / 2, after = size - 1 - before;
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), shape);
    parallel(context.pool(), shape[0] * channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        int64_t c = plane % channels, first = plane - std::min(before, c), last = plane + std::min(after, channels - 1 - c);
        for (int64_t i = 0; i < inner; ++i) {
          T sum = 0;
          for (int64_t other = first; other <= last; ++other) sum += x[other * inner + i] * x[other * inner + i];
          T base = static_cast<T>(bias) + static_cast<T>(alpha) / static_cast<T>(size) * sum;
          if constexpr (std::is_same_v<T, double>) {
            y[plane * inner + i] = x[plane * inner + i] * kernels::math64::exp(-static_cast<double>(beta) * kernels::math64::log(base));
          } else {
            using kernels::simd::Scalar;
            y[plane * inner + i] = x[plane * inner + i] * kernels::math::exp(Scalar(-beta * kernels::math::log(Scalar(base)).v)).v;
          }
        }
      }
    });
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "LpNormalization", .infer = infer_lp, .evaluate = evaluate_lp},
    {.name = "MeanVarianceNormalization", .infer = infer_mean_variance, .evaluate = evaluate_mean_variance},
    {.name = "LRN", .infer = infer_lrn, .evaluate = evaluate_lrn},
};

}  // namespace

std::span<const OperatorDef> lp_normalization_operators() { return definitions; }

}  // namespace octet::ops
