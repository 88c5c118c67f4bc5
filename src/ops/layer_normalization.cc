// Normalizations over the last axes: LayerNormalization, RMSNormalization, and ONNX Runtime's forms of them, with and without a
// sum in front.
#include <cmath>

#include "ops/axes.h"
#include "ops/normalization_step.h"
#include "ops/numeric.h"

namespace octet::ops {

namespace {

// Where the parts stand among the inputs; kAbsent where the operator has none.
constexpr size_t kAbsent = 99;
struct Form {
  bool centred;                 // subtracts the mean
  size_t skip, scale, bias, sum_bias;
};
constexpr Form kLayer{true, kAbsent, 1, 2, kAbsent};
constexpr Form kRms{false, kAbsent, 1, kAbsent, kAbsent};
constexpr Form kSkip{true, 1, 2, 3, 4};
constexpr Form kSkipRms{false, 1, 2, kAbsent, 3};

DType stash_type(const Node& node) {
  int64_t type = node.attributes.integer("stash_type", 1);
  require(type == 1 || type == 16 || type == 10 || type == 11, ErrorCode::kUnsupported, "stash_type ", type, " is not supported");
  return static_cast<DType>(type);
}

template <const Form& form>
int first_axis(const Node& node, int rank) {
  return form.skip != kAbsent ? normalize_axis(-1, rank) : normalize_axis(node.attributes.integer("axis", -1), rank);
}

// Outputs: y, then the mean (not for the forms without it), the inverse deviation, and for the skip forms the sum.
template <const Form& form>
size_t deviation_output() { return form.centred || form.skip != kAbsent ? 2 : 1; }

template <const Form& form>
void infer(InferContext& context) {
  DType stash = stash_type(context.node());
  context.same_as_input(0, 0);
  for (size_t i = 1; i < 3; ++i) context.set_output_rank_unknown(i, stash);
  if (form.skip != kAbsent) context.same_as_input(3, 0);
  if (!context.has_rank(0)) return;
  Shape shape = context.shape(0);
  int axis = first_axis<form>(context.node(), shape.rank());
  if (context.has_rank(form.scale) && shape.is_concrete() && context.shape(form.scale).is_concrete()) {
    int64_t size = shape.elements(axis, shape.rank()), count = context.shape(form.scale).elements();
    require(count == size || (count > 0 && size % count == 0), ErrorCode::kShapeMismatch, "a scale of shape ", context.shape(form.scale),
            " does not go with an input of shape ", shape);
  }
  for (int i = axis; i < shape.rank(); ++i) shape[i] = 1;
  for (size_t i = 1; i < 3; ++i) context.set_output(i, stash, shape);
}

template <const Form& form>
void evaluate(EvaluateContext& context) {
  const Shape& shape = context.input(0).shape();
  int axis = first_axis<form>(context.node(), shape.rank());
  int64_t size = shape.elements(axis, shape.rank()), rows = shape.elements(0, axis);
  double epsilon = static_cast<double>(context.attributes().real("epsilon", form.skip != kAbsent ? 1e-12f : 1e-5f));
  DType stash = stash_type(context.node());
  Shape statistics = shape;
  for (int i = axis; i < shape.rank(); ++i) statistics[i] = 1;
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0)), skip(context, form.skip), scale(context.input(form.scale)), bias(context, form.bias), sum_bias(context, form.sum_bias);
    for (const Reader<T>* parameter : {&scale, &bias, &sum_bias})
      require(!*parameter || (parameter->size() > 0 && size % parameter->size() == 0) || size == 0, ErrorCode::kShapeMismatch, "a parameter of ",
              parameter->size(), " values does not go with ", size, " elements");
    require(!skip || x.size() == 0 || (skip.size() > 0 && x.size() % skip.size() == 0), ErrorCode::kShapeMismatch, "the skip input does not go with the input");
    DType dtype = context.input(0).dtype();
    Writer<T> y(context, 0, dtype, shape);
    std::vector<T> means(static_cast<size_t>(rows)), deviations(static_cast<size_t>(rows)), sums(form.skip != kAbsent ? static_cast<size_t>(x.size()) : 0);
    parallel(context.pool(), rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T* from = x.data() + row * size;
        if (!sums.empty()) {
          T* sum = sums.data() + row * size;
          for (int64_t i = 0; i < size; ++i) {
            sum[i] = from[i] + skip[(row * size + i) % skip.size()];
            if (sum_bias) sum[i] += sum_bias[i % sum_bias.size()];
          }
          from = sum;
        }
        double mean = 0, squares = 0;
        if (form.centred) {
          for (int64_t i = 0; i < size; ++i) mean += static_cast<double>(from[i]);
          mean /= static_cast<double>(size);
        }
        for (int64_t i = 0; i < size; ++i) squares += (static_cast<double>(from[i]) - mean) * (static_cast<double>(from[i]) - mean);
        double inverse = 1.0 / std::sqrt(squares / static_cast<double>(size) + epsilon);
        for (int64_t i = 0; i < size; ++i) {
          T value = static_cast<T>((static_cast<double>(from[i]) - mean) * inverse) * scale[i % scale.size()];
          y[row * size + i] = bias ? value + bias[i % bias.size()] : value;
        }
        means[static_cast<size_t>(row)] = static_cast<T>(mean);
        deviations[static_cast<size_t>(row)] = static_cast<T>(inverse);
      }
    });
    auto write = [&](size_t i, DType type, const Shape& of, const std::vector<T>& values) {
      if (!context.has_output(i)) return;
      Writer<T> out(context, i, type, of);
      std::copy(values.begin(), values.end(), out.data());
    };
    if (deviation_output<form>() == 2) write(1, stash, statistics, means);
    write(deviation_output<form>(), stash, statistics, deviations);
    if (form.skip != kAbsent) write(3, dtype, shape, sums);
  });
}

template <const Form& form>
bool bind(BindContext& context) {
  const Node& node = context.node();
  const Shape& shape = context.shape(0);
  int axis = first_axis<form>(node, shape.rank());
  bool skips = form.skip != kAbsent;
  RowNormalization rows{!form.centred, form.skip, form.scale, form.bias, form.sum_bias, deviation_output<form>() == 2 ? 1 : kAbsent,
                        deviation_output<form>(), skips ? 3 : kAbsent, context.attributes().real("epsilon", skips ? 1e-12f : 1e-5f),
                        shape.elements(0, axis), shape.elements(axis, shape.rank())};
  return bind_row_normalization(context, rows);
}

constexpr OperatorDef definitions[] = {
    // Before opset 17 LayerNormalization is ONNX Runtime's own, with the same meaning.
    {.name = "LayerNormalization", .min_inputs = 2, .max_inputs = 3, .max_outputs = 3, .infer = infer<kLayer>, .evaluate = evaluate<kLayer>, .bind = bind<kLayer>},
    {.name = "RMSNormalization", .since_version = 23, .min_inputs = 2, .max_inputs = 2, .infer = infer<kRms>, .evaluate = evaluate<kRms>, .bind = bind<kRms>},
    {.name = "SimplifiedLayerNormalization", .min_inputs = 2, .max_inputs = 2, .max_outputs = 2, .infer = infer<kRms>, .evaluate = evaluate<kRms>, .bind = bind<kRms>},
    {.domain = "com.microsoft", .name = "LayerNormalization", .min_inputs = 2, .max_inputs = 3, .max_outputs = 3, .infer = infer<kLayer>,
     .evaluate = evaluate<kLayer>, .bind = bind<kLayer>},
    {.domain = "com.microsoft", .name = "SimplifiedLayerNormalization", .min_inputs = 2, .max_inputs = 2, .max_outputs = 2, .infer = infer<kRms>,
     .evaluate = evaluate<kRms>, .bind = bind<kRms>},
    {.domain = "com.microsoft", .name = "SkipLayerNormalization", .min_inputs = 3, .max_inputs = 5, .max_outputs = 4, .infer = infer<kSkip>,
     .evaluate = evaluate<kSkip>, .bind = bind<kSkip>},
    {.domain = "com.microsoft", .name = "SkipSimplifiedLayerNormalization", .min_inputs = 3, .max_inputs = 4, .max_outputs = 4,
     .infer = infer<kSkipRms>, .evaluate = evaluate<kSkipRms>, .bind = bind<kSkipRms>},
};

}  // namespace

std::span<const OperatorDef> layer_normalization_operators() { return definitions; }

}  // namespace octet::ops
