// Normalizations with statistics per channel or group of channels: BatchNormalization, InstanceNormalization, GroupNormalization.
#include <algorithm>
#include <cmath>

#include "ops/normalization_step.h"
#include "ops/numeric.h"

namespace octet::ops {

namespace {

// Mean and variance (divided by the count) of the elements that `value(i)` gives; in double, so that the order does not matter much.
struct Statistics { double mean, variance; };
template <typename Value>
Statistics statistics(int64_t count, Value value) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(value(i));
  double mean = sum / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) {
    double d = static_cast<double>(value(i)) - mean;
    squares += d * d;
  }
  return {mean, squares / static_cast<double>(count)};
}

bool is_training(const Node& node) { return node.attributes.integer("training_mode", 0) != 0; }

int64_t channels_of(const Shape& x) { return x.rank() == 1 ? 1 : x[1]; }

void infer_batch(InferContext& context) {
  require(context.attributes().integer("spatial", 1) != 0, ErrorCode::kUnsupported, "BatchNormalization with spatial = 0 is not supported");
  context.same_as_input(0, 0);
  if (context.has_rank(0)) {
    require(context.shape(0).rank() >= 1, ErrorCode::kShapeMismatch, "BatchNormalization of a scalar");
    int64_t channels = channels_of(context.shape(0));
    for (size_t i = 1; i < 5; ++i)
      if (context.has_rank(i))
        require(context.shape(i).rank() == 1 && (channels < 0 || context.shape(i)[0] < 0 || context.shape(i)[0] == channels),
                ErrorCode::kShapeMismatch, "input ", i, " of shape ", context.shape(i), " does not go with ", channels, " channels");
  }
  for (size_t i = 1; i < 5; ++i) context.same_as_input(i, i % 2 == 1 ? 3 : 4);
}

void evaluate_batch(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  require(shape.rank() >= 1, ErrorCode::kShapeMismatch, "BatchNormalization of a scalar");
  int64_t channels = channels_of(shape), batch = shape[0], size = shape.rank() > 2 ? shape.elements(2, shape.rank()) : 1;
  bool training = is_training(context.node());
  float epsilon = context.attributes().real("epsilon", 1e-5f), momentum = context.attributes().real("momentum", 0.9f);
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0)), scale(context.input(1)), bias(context.input(2)), mean(context.input(3)), variance(context.input(4));
    for (const Reader<T>* parameter : {&scale, &bias, &mean, &variance})
      require(parameter->size() == channels, ErrorCode::kShapeMismatch, parameter->size(), " parameters for ", channels, " channels");
    Writer<T> y(context, 0, context.input(0).dtype(), shape);
    std::vector<T> used_mean(mean.data(), mean.data() + channels), used_variance(variance.data(), variance.data() + channels);
    if (training)
      for (int64_t c = 0; c < channels; ++c) {
        Statistics s = statistics(batch * size, [&](int64_t i) { return x[(i / size * channels + c) * size + i % size]; });
        used_mean[static_cast<size_t>(c)] = static_cast<T>(s.mean);
        used_variance[static_cast<size_t>(c)] = static_cast<T>(s.variance);
      }
    parallel(context.pool(), batch * channels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        auto c = static_cast<size_t>(plane % channels);
        T factor = scale[plane % channels] / std::sqrt(used_variance[c] + static_cast<T>(epsilon));
        for (int64_t i = plane * size; i < (plane + 1) * size; ++i) y[i] = (x[i] - used_mean[c]) * factor + bias[plane % channels];
      }
    });
    // Running statistics (opset 14: outputs 1 and 2; before, outputs 1 to 4 repeat them).
    for (size_t i = 1; i < context.outputs(); ++i) {
      if (!context.has_output(i)) continue;
      const Reader<T>& old = i % 2 == 1 ? mean : variance;
      const std::vector<T>& now = i % 2 == 1 ? used_mean : used_variance;
      Writer<T> running(context, i, context.input(i % 2 == 1 ? 3 : 4).dtype(), Shape{channels});
      for (int64_t c = 0; c < channels; ++c)
        running[c] = training ? old[c] * static_cast<T>(momentum) + now[static_cast<size_t>(c)] * static_cast<T>(1 - momentum) : old[c];
    }
  });
}

void infer_same(InferContext& context) {
  context.same_as_input(0, 0);
  if (!context.has_rank(0)) return;
  require(context.shape(0).rank() >= 2, ErrorCode::kShapeMismatch, "an input of shape ", context.shape(0), " has no channels");
}

int64_t read_groups(const Node& node, int64_t channels) {
  int64_t groups = node.attributes.integer("num_groups");
  require(groups >= 1 && groups <= std::max<int64_t>(1, channels) && channels % groups == 0, ErrorCode::kInvalidModel, channels, " channels cannot be divided into ", groups, " groups");
  return groups;
}

void infer_group(InferContext& context) {
  infer_same(context);
  if (context.has_rank(0) && context.shape(0)[1] >= 0) read_groups(context.node(), context.shape(0)[1]);
}

// Statistics over `groups` groups of channels of each picture, parameters per channel or per group.
void normalize_groups(EvaluateContext& context, int64_t groups) {
  const Shape& shape = context.input(0).shape();
  int64_t channels = shape[1], size = shape.elements(2, shape.rank()), width = groups > 0 ? channels / groups : 0;
  float epsilon = context.attributes().real("epsilon", 1e-5f);
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0)), scale(context.input(1)), bias(context.input(2));
    require(scale.size() == bias.size() && (scale.size() == channels || scale.size() == groups), ErrorCode::kShapeMismatch,
            scale.size(), " scales and ", bias.size(), " biases for ", channels, " channels");
    bool per_channel = scale.size() == channels;
    Writer<T> y(context, 0, context.input(0).dtype(), shape);
    parallel(context.pool(), shape[0] * groups, 1, [&](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; ++group) {
        const T* from = x.data() + group * width * size;
        T* to = y.data() + group * width * size;
        Statistics s = statistics(width * size, [&](int64_t i) { return from[i]; });
        double inverse = 1.0 / std::sqrt(s.variance + static_cast<double>(epsilon));
        for (int64_t i = 0; i < width * size; ++i) {
          int64_t parameter = per_channel ? group % groups * width + i / size : group % groups;
          to[i] = static_cast<T>((static_cast<double>(from[i]) - s.mean) * inverse) * scale[parameter] + bias[parameter];
        }
      }
    });
  });
}

void evaluate_instance(EvaluateContext& context) {
  require(context.input(0).shape().rank() >= 2, ErrorCode::kShapeMismatch, "the input has no channels");
  normalize_groups(context, context.input(0).shape()[1]);
}

void evaluate_group(EvaluateContext& context) {
  require(context.input(0).shape().rank() >= 2, ErrorCode::kShapeMismatch, "the input has no channels");
  normalize_groups(context, read_groups(context.node(), context.input(0).shape()[1]));
}

constexpr OperatorDef definitions[] = {
    {.name = "BatchNormalization", .min_inputs = 5, .max_inputs = 5, .max_outputs = 5, .infer = infer_batch, .evaluate = evaluate_batch,
     .bind = bind_batch_normalization, .layout = batch_normalization_layout},
    {.name = "InstanceNormalization", .min_inputs = 3, .max_inputs = 3, .infer = infer_same, .evaluate = evaluate_instance},
    {.name = "GroupNormalization", .since_version = 18, .min_inputs = 3, .max_inputs = 3, .infer = infer_group, .evaluate = evaluate_group},
};

}  // namespace

std::span<const OperatorDef> batch_normalization_operators() { return definitions; }

}  // namespace octet::ops
