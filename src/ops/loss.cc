// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
//
//   loss[n, d...] = −weight[t] · logp[n, t, d...]   with t = target[n, d...]; 0 where t = ignore_index
//   reduction "none" gives it as it is, "sum" adds it up, "mean" (default) divides that by the sum of the weights that counted
//
// x is [N, C, d...]; for the first operator it is logp, for the second logp = log(softmax over C), which is its output 1.
#include <algorithm>
#include <cmath>

#include "graph/operator.h"
#include "ops/dispatch.h"

namespace octet::ops {

namespace {

enum class Reduction { kNone, kSum, kMean };

Reduction reduction_of(const Attributes& attributes) {
  std::string name = attributes.string("reduction", "mean");
  if (name == "none") return Reduction::kNone;
  if (name == "sum") return Reduction::kSum;
  require(name == "mean", ErrorCode::kInvalidModel, "the reduction '", name, "' is none of none, sum and mean");
  return Reduction::kMean;
}

void infer_loss(InferContext& context) {
  if (reduction_of(context.attributes()) != Reduction::kNone) {
    context.set_output(0, context.dtype(0), {});
  } else if (context.has_rank(1)) {
    context.set_output(0, context.dtype(0), context.shape(1));
  } else {
    context.set_output_rank_unknown(0, context.dtype(0));
  }
}

void infer_cross_entropy(InferContext& context) {
  infer_loss(context);
  if (context.outputs() > 1) context.same_as_input(1, 0);
}

struct Extents {
  int64_t batch, classes, inner;
};

Extents extents_of(const Shape& x, const Shape& target) {
  bool fits = x.rank() >= 2 && target.rank() == x.rank() - 1 && x[0] == target[0];
  for (int axis = 2; fits && axis < x.rank(); ++axis) fits = x[axis] == target[axis - 1];
  require(fits, ErrorCode::kShapeMismatch, "the target of shape ", target, " does not fit the input of shape ", x);
  return {x[0], x[1], x.elements(2, x.rank())};
}

std::vector<int64_t> targets_of(const Tensor& tensor) {
  if (tensor.dtype() == DType::kInt64) return {tensor.values<int64_t>().begin(), tensor.values<int64_t>().end()};
  return {tensor.values<int32_t>().begin(), tensor.values<int32_t>().end()};
}

// The loss from log probabilities in double, one per element of x.
template <typename T>
void give_loss(EvaluateContext& context, const std::vector<double>& log_probability, const Extents& extents) {
  const Tensor& target = context.input(1);
  std::vector<int64_t> targets = targets_of(target);
  Reduction reduction = reduction_of(context.attributes());
  bool ignores = context.attributes().has("ignore_index");
  int64_t ignored = context.attributes().integer("ignore_index", 0);
  const T* weights = nullptr;
  if (context.has_input(2)) {
    require(context.input(2).shape() == Shape{extents.classes}, ErrorCode::kShapeMismatch, "there must be one weight per class, not ",
            context.input(2).shape());
    weights = typed<T>(context.input(2));
  }
  std::vector<double> losses(targets.size(), 0);
  double sum = 0, weight_sum = 0;
  for (int64_t n = 0; n < extents.batch; ++n)
    for (int64_t d = 0; d < extents.inner; ++d) {
      size_t index = static_cast<size_t>(n * extents.inner + d);
      int64_t chosen = targets[index];
      if (ignores && chosen == ignored) continue;
      require(chosen >= 0 && chosen < extents.classes, ErrorCode::kInvalidArgument, "the target ", chosen, " is no class: there are ",
              extents.classes);
      double weight = weights != nullptr ? static_cast<double>(widen(weights[chosen])) : 1.0;
      losses[index] = -weight * log_probability[static_cast<size_t>((n * extents.classes + chosen) * extents.inner + d)];
      sum += losses[index];
      weight_sum += weight;
    }
  if (reduction == Reduction::kNone) {
    T* out = typed<T>(context.output(0, context.input(0).dtype(), target.shape()));
    for (size_t i = 0; i < losses.size(); ++i) out[i] = narrow<T>(static_cast<Wide<T>>(losses[i]));
    return;
  }
  T* out = typed<T>(context.output(0, context.input(0).dtype(), {}));
  *out = narrow<T>(static_cast<Wide<T>>(reduction == Reduction::kSum ? sum : sum / weight_sum));
}

void evaluate_likelihood(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Extents extents = extents_of(x.shape(), context.input(1).shape());
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T* values = typed<T>(x);
    std::vector<double> log_probability(static_cast<size_t>(x.elements()));
    for (size_t i = 0; i < log_probability.size(); ++i) log_probability[i] = static_cast<double>(widen(values[i]));
    give_loss<T>(context, log_probability, extents);
  });
}

void evaluate_cross_entropy(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Extents extents = extents_of(x.shape(), context.input(1).shape());
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T* values = typed<T>(x);
    std::vector<double> log_probability(static_cast<size_t>(x.elements()));
    for (int64_t n = 0; n < extents.batch; ++n)
      for (int64_t d = 0; d < extents.inner; ++d) {
        auto at = [&](int64_t c) { return static_cast<size_t>((n * extents.classes + c) * extents.inner + d); };
        double largest = -HUGE_VAL, sum = 0;
        for (int64_t c = 0; c < extents.classes; ++c) largest = std::max(largest, static_cast<double>(widen(values[at(c)])));
        for (int64_t c = 0; c < extents.classes; ++c) sum += std::exp(static_cast<double>(widen(values[at(c)])) - largest);
        for (int64_t c = 0; c < extents.classes; ++c)
          log_probability[at(c)] = static_cast<double>(widen(values[at(c)])) - largest - std::log(sum);
      }
    give_loss<T>(context, log_probability, extents);
    if (!context.has_output(1)) return;
    T* out = typed<T>(context.output(1, x.dtype(), x.shape()));
    for (size_t i = 0; i < log_probability.size(); ++i) out[i] = narrow<T>(static_cast<Wide<T>>(log_probability[i]));
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "NegativeLogLikelihoodLoss", .since_version = 12, .min_inputs = 2, .max_inputs = 3, .infer = infer_loss,
     .evaluate = evaluate_likelihood},
    {.name = "SoftmaxCrossEntropyLoss", .since_version = 12, .min_inputs = 2, .max_inputs = 3, .max_outputs = 2,
     .infer = infer_cross_entropy, .evaluate = evaluate_cross_entropy},
};

}  // namespace

std::span<const OperatorDef> loss_operators() { return definitions; }

}  // namespace octet::ops
