#include "ops/recurrent.h"

#include "kernels/math.h"
#include "kernels/math_double.h"

namespace octet::ops {

namespace {

using Kind = RecurrentActivation::Kind;
struct ActivationFacts {
  std::string_view name;
  Kind kind;
  bool has_alpha, has_beta;
  float alpha, beta;
};
constexpr ActivationFacts kActivations[] = {
    {"relu", Kind::kRelu, false, false, 0, 0},
    {"tanh", Kind::kTanh, false, false, 0, 0},
    {"sigmoid", Kind::kSigmoid, false, false, 0, 0},
    {"affine", Kind::kAffine, true, true, 1, 0},
    {"leakyrelu", Kind::kLeakyRelu, true, false, 0.01f, 0},
    {"thresholdedrelu", Kind::kThresholdedRelu, true, false, 1, 0},
    {"scaledtanh", Kind::kScaledTanh, true, true, 1, 1},
    {"hardsigmoid", Kind::kHardSigmoid, true, true, 0.2f, 0.5f},
    {"elu", Kind::kElu, true, false, 1, 0},
    {"softsign", Kind::kSoftsign, false, false, 0, 0},
    {"softplus", Kind::kSoftplus, false, false, 0, 0},
};

struct FloatMath {
  using Scalar = kernels::simd::Scalar;
  static float tanh(float x) { return kernels::math::tanh(Scalar(x)).v; }
  static float sigmoid(float x) { return kernels::math::sigmoid(Scalar(x)).v; }
  static float exp_minus_one(float x) { return kernels::math::exp_minus_one(Scalar(x)).v; }
  static float exp(float x) { return kernels::math::exp(Scalar(x)).v; }
  static float log_one_plus(float x) { return kernels::math::log_one_plus(Scalar(x)).v; }
};
struct DoubleMath {
  static double tanh(double x) { return kernels::math64::tanh(x); }
  static double sigmoid(double x) { return kernels::math64::sigmoid(x); }
  static double exp_minus_one(double x) { return kernels::math64::exp_minus_one(x); }
  static double exp(double x) { return kernels::math64::exp(x); }
  static double log_one_plus(double x) { return kernels::math64::log_one_plus(x); }
};

template <typename Math, typename T>
T activate(const RecurrentActivation& activation, T x) {
  T alpha = static_cast<T>(activation.alpha), beta = static_cast<T>(activation.beta);
  switch (activation.kind) {
    case Kind::kRelu: return x > 0 ? x : T(0);
    case Kind::kTanh: return Math::tanh(x);
    case Kind::kSigmoid: return Math::sigmoid(x);
    case Kind::kAffine: return alpha * x + beta;
    case Kind::kLeakyRelu: return x >= 0 ? x : alpha * x;
    case Kind::kThresholdedRelu: return x > alpha ? x : T(0);
    case Kind::kScaledTanh: return alpha * Math::tanh(beta * x);
    case Kind::kHardSigmoid: x = alpha * x + beta; return x < 0 ? T(0) : x > 1 ? T(1) : x;
    case Kind::kElu: return x >= 0 ? x : alpha * Math::exp_minus_one(x);
    case Kind::kSoftsign: return x / (1 + (x < 0 ? -x : x));
    case Kind::kSoftplus: return (x > 0 ? x : T(0)) + Math::log_one_plus(Math::exp(x > 0 ? -x : x));
  }
  return x;
}

}  // namespace

float RecurrentActivation::operator()(float x) const { return activate<FloatMath>(*this, x); }
double RecurrentActivation::operator()(double x) const { return activate<DoubleMath>(*this, x); }

RecurrentOptions read_recurrent_options(const Node& node, size_t functions, std::span<const std::string_view> defaults) {
  const Attributes& attributes = node.attributes;
  RecurrentOptions options;
  std::string direction = attributes.string("direction", "forward");
  require(direction == "forward" || direction == "reverse" || direction == "bidirectional", ErrorCode::kInvalidModel,
          "attribute 'direction' is '", direction, "'");
  options.directions = direction == "bidirectional" ? 2 : 1;
  options.first_reversed = direction == "reverse";
  options.batch_major = attributes.integer("layout", 0) != 0;
  options.clip = attributes.real("clip", 0.0f);
  require(options.clip >= 0, ErrorCode::kInvalidModel, "attribute 'clip' is ", static_cast<double>(options.clip));
  options.hidden = checked_integer(attributes, "hidden_size", 0, 0, int64_t{1} << 30);
  // Where the attribute is missing the recurrent weights tell: R is [directions, gates · hidden, hidden].
  if (options.hidden == 0 && node.input(2) != nullptr && node.inputs[2]->shape && node.inputs[2]->shape->rank() == 3)
    options.hidden = (*node.inputs[2]->shape)[2];
  require(options.hidden >= 1, ErrorCode::kInvalidModel, "attribute 'hidden_size' is missing");

  std::span<const std::string> names = attributes.strings("activations");
  std::span<const float> alphas = attributes.reals("activation_alpha"), betas = attributes.reals("activation_beta");
  size_t wanted = functions * static_cast<size_t>(options.directions), next_alpha = 0, next_beta = 0;
  require(names.empty() || names.size() == wanted, ErrorCode::kInvalidModel, "attribute 'activations' has ", names.size(), " names, ",
          wanted, " are needed");
  for (size_t i = 0; i < wanted; ++i) {
    std::string name(names.empty() ? defaults[i % functions] : std::string_view(names[i]));
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const ActivationFacts* facts = nullptr;
    for (const ActivationFacts& candidate : kActivations)
      if (candidate.name == name) facts = &candidate;
    require(facts != nullptr, ErrorCode::kUnsupported, "the activation '", name, "' is not known");
    RecurrentActivation activation{facts->kind, facts->alpha, facts->beta};
    if (facts->has_alpha && next_alpha < alphas.size()) activation.alpha = alphas[next_alpha++];
    if (facts->has_beta && next_beta < betas.size()) activation.beta = betas[next_beta++];
    options.activations.push_back(activation);
  }
  return options;
}

void infer_recurrent(InferContext& context, int64_t gates, bool weights) {
  DType dtype = context.dtype(0);
  bool batch_major = context.attributes().integer("layout", 0) != 0;
  int64_t directions = context.attributes().string("direction", "forward") == "bidirectional" ? 2 : 1;
  int64_t hidden = checked_integer(context.attributes(), "hidden_size", 0, 0, int64_t{1} << 30);
  if (hidden == 0) hidden = context.has_rank(2) && context.shape(2).rank() == 3 ? context.shape(2)[2] : Shape::kUnknown;
  int64_t length = Shape::kUnknown, batch = Shape::kUnknown, inputs = Shape::kUnknown;
  if (context.has_rank(0)) {
    require(context.shape(0).rank() == 3, ErrorCode::kShapeMismatch, "an input of shape ", context.shape(0), ", three axes are needed");
    length = context.shape(0)[batch_major ? 1 : 0];
    batch = context.shape(0)[batch_major ? 0 : 1];
    inputs = context.shape(0)[2];
  }
  auto check = [&](size_t i, std::initializer_list<int64_t> wanted) {
    if (!context.has_rank(i)) return;
    const Shape& shape = context.shape(i);
    Shape expected(wanted);
    bool fits = shape.rank() == expected.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis) fits = shape[axis] < 0 || expected[axis] < 0 || shape[axis] == expected[axis];
    require(fits, ErrorCode::kShapeMismatch, "input ", i, " has shape ", shape, ", expected ", expected);
  };
  int64_t columns = hidden < 0 ? Shape::kUnknown : gates * hidden;
  if (weights) {
    check(1, {directions, columns, inputs});
    check(2, {directions, columns, hidden});
  } else {
    check(1, {directions, inputs, columns});
    check(2, {directions, hidden, columns});
  }
  check(3, {directions, columns < 0 ? columns : 2 * columns});
  check(4, {batch});
  Shape state = batch_major ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  for (size_t i : {size_t{5}, size_t{6}})
    if (i == 5 || gates == 4) check(i, {state[0], state[1], state[2]});
  if (gates == 4) check(7, {directions, hidden < 0 ? hidden : 3 * hidden});
  context.set_output(0, dtype, batch_major ? Shape{batch, length, directions, hidden} : Shape{length, directions, batch, hidden});
  context.set_output(1, dtype, state);
  if (context.outputs() > 2) context.set_output(2, dtype, state);
}

RecurrentExtents recurrent_extents(const Node&, const Shape& x, const RecurrentOptions& options) {
  require(x.rank() == 3, ErrorCode::kShapeMismatch, "an input of shape ", x, ", three axes are needed");
  return options.batch_major ? RecurrentExtents{x[1], x[0], x[2]} : RecurrentExtents{x[0], x[1], x[2]};
}

std::vector<int64_t> sequence_lengths(const EvaluateContext& context, size_t input, const RecurrentExtents& extents) {
  std::vector<int64_t> lengths(static_cast<size_t>(extents.batch), extents.length);
  Reader<int64_t> given(context, input);
  if (!given) return lengths;
  require(given.size() == extents.batch, ErrorCode::kShapeMismatch, "there are ", given.size(), " sequence lengths for a batch of ", extents.batch);
  for (int64_t i = 0; i < extents.batch; ++i) {
    require(given[i] >= 0 && given[i] <= extents.length, ErrorCode::kShapeMismatch, "a sequence length of ", given[i], " in ", extents.length, " steps");
    lengths[static_cast<size_t>(i)] = given[i];
  }
  return lengths;
}

template <typename T>
void evaluate_lstm(EvaluateContext& context, const RecurrentOptions& options, const RecurrentExtents& extents, DType dtype,
                   const std::function<RecurrentProducts<T>(int64_t)>& products) {
  int64_t hidden = options.hidden, columns = 4 * hidden, batch = extents.batch, directions = options.directions;
  RecurrentPlaces places{extents, directions, hidden, options.batch_major};
  std::vector<int64_t> lengths = sequence_lengths(context, 4, extents);
  Reader<T> bias(context, 3), h0(context, 5), c0(context, 6), peepholes(context, 7);
  auto sized = [&](const Reader<T>& reader, int64_t size, std::string_view what) {
    require(!reader || reader.size() == size, ErrorCode::kShapeMismatch, "the ", what, " has ", reader.size(), " values instead of ", size);
  };
  sized(bias, directions * 2 * columns, "bias");
  sized(h0, directions * batch * hidden, "initial state");
  sized(c0, directions * batch * hidden, "initial cell");
  sized(peepholes, directions * 3 * hidden, "peephole input");
  bool input_forget = context.attributes().integer("input_forget", 0) != 0;
  bool batch_major = options.batch_major;
  Shape state = batch_major ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  Writer<T> y(context, 0, dtype, batch_major ? Shape{batch, extents.length, directions, hidden} : Shape{extents.length, directions, batch, hidden});
  Writer<T> y_h(context, 1, dtype, state), y_c(context, 2, dtype, state);
  std::fill_n(y.data(), y.size(), T(0));
  T clip = static_cast<T>(options.clip);
  auto clipped = [&](T v) { return clip > 0 ? (v > clip ? clip : v < -clip ? -clip : v) : v; };

  for (int64_t d = 0; d < directions; ++d) {
    const RecurrentActivation* functions = options.activations.data() + d * 3;
    const T* p = peepholes ? peepholes.data() + d * 3 * hidden : nullptr;
    RecurrentProducts<T> product = products(d);
    std::vector<T> from_input(static_cast<size_t>(extents.length * batch * columns), T(0)), gates(static_cast<size_t>(batch * columns));
    std::vector<T> h(static_cast<size_t>(batch * hidden), T(0)), c(h), previous;
    for (int64_t row = 0; row < batch; ++row)
      for (int64_t i = 0; i < hidden; ++i) {
        if (h0) h[static_cast<size_t>(row * hidden + i)] = h0[places.state(d, row) + i];
        if (c0) c[static_cast<size_t>(row * hidden + i)] = c0[places.state(d, row) + i];
      }
    previous = h;
    product.input(from_input.data());
    walk_time(extents, lengths, d == 1 || options.first_reversed, [&](const std::vector<int64_t>& times) {
      for (int64_t row = 0; row < batch; ++row)
        for (int64_t j = 0; j < columns; ++j) {
          T value = times[static_cast<size_t>(row)] < 0 ? T(0) : from_input[static_cast<size_t>((times[static_cast<size_t>(row)] * batch + row) * columns + j)];
          if (bias) value += bias[d * 2 * columns + j] + bias[d * 2 * columns + columns + j];
          gates[static_cast<size_t>(row * columns + j)] = value;
        }
      // In a quantized product the rows share one range. As in ONNX Runtime a row whose sequence is over counts once more with its
      // last state and is zero afterwards.
      product.hidden(previous.data(), gates.data(), 0, columns);
      std::fill(previous.begin(), previous.end(), T(0));
      for (int64_t row = 0; row < batch; ++row) {
        int64_t t = times[static_cast<size_t>(row)];
        if (t < 0) continue;
        const T* gate = gates.data() + row * columns;   // i, o, f, c
        for (int64_t i = 0; i < hidden; ++i) {
          T& cell = c[static_cast<size_t>(row * hidden + i)];
          T input = gate[i], forget = gate[2 * hidden + i], output = gate[hidden + i];
          if (p != nullptr) input += p[i] * cell, forget += p[2 * hidden + i] * cell;
          input = functions[0](clipped(input));
          forget = input_forget ? 1 - input : functions[0](clipped(forget));
          cell = forget * cell + input * functions[1](clipped(gate[3 * hidden + i]));
          if (p != nullptr) output += p[hidden + i] * cell;
          T value = functions[0](clipped(output)) * functions[2](cell);
          h[static_cast<size_t>(row * hidden + i)] = previous[static_cast<size_t>(row * hidden + i)] = value;
          y[places.y(t, d, row) + i] = value;
        }
      }
    });
    for (int64_t row = 0; row < batch; ++row)
      for (int64_t i = 0; i < hidden; ++i) {
        y_h[places.state(d, row) + i] = h[static_cast<size_t>(row * hidden + i)];
        y_c[places.state(d, row) + i] = c[static_cast<size_t>(row * hidden + i)];
      }
  }
}

template void evaluate_lstm<float>(EvaluateContext&, const RecurrentOptions&, const RecurrentExtents&, DType,
                                   const std::function<RecurrentProducts<float>(int64_t)>&);
template void evaluate_lstm<double>(EvaluateContext&, const RecurrentOptions&, const RecurrentExtents&, DType,
                                    const std::function<RecurrentProducts<double>(int64_t)>&);

}  // namespace octet::ops
