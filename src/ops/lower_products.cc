// Integer forms of convolutions and matrix products (DESIGN §4.2 and §4.3).
#include <cmath>
#include <limits>

#include "kernels/math_double.h"
#include "ops/convolution.h"
#include "ops/lower_values.h"
#include "ops/lowering.h"

namespace octet::ops {

namespace {

// The weights of a product, quantized per output channel.
struct Weights {
  QuantizedValue quantized;
  std::vector<float> scales;          // one per output channel
  std::vector<int32_t> zero_points;   // likewise
};

// Where the weights of output channel c lie: `runs` runs, `run_stride` apart from `start` + c · `channel_stride` on, of `length`
// bytes one after the other; the channels of further groups lie `group_stride` apart.
struct ChannelLayout {
  int64_t channels_per_group, group_stride, channel_stride, runs, run_stride, length;
};

// Σ |w − zero| over the channel, whose bytes are of type T.
template <typename T>
int64_t magnitude(const T* channel, const ChannelLayout& layout, int32_t zero) {
  int64_t sum = 0;
  for (int64_t run = 0; run < layout.runs; ++run) {
    const T* w = channel + run * layout.run_stride;
    int32_t part = 0;   // at most 255 each: room for 8 million
    for (int64_t i = 0; i < layout.length; ++i) {
      part += std::abs(int32_t{w[i]} - zero);
      if ((i & 0x3fffff) == 0x3fffff) sum += part, part = 0;
    }
    sum += part;
  }
  return sum;
}

// A sum over the weights of one channel with inputs of magnitude up to `largest_input` and these biases must stay within 32 bits.
// Weights are read only where their number alone does not show it.
bool sum_fits(const Weights& weights, int64_t channels, int64_t largest_input, const std::vector<int32_t>& bias, const ChannelLayout& layout) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const Tensor& tensor = weights.quantized.value->raw_constant();
  Range range = integer_range(tensor.dtype());
  for (int64_t c = 0; c < channels; ++c) {
    auto index = static_cast<size_t>(c);
    int32_t zero = weights.zero_points[index];
    int64_t extra = index < bias.size() ? std::abs(int64_t{bias[index]}) : 0;
    int64_t largest = std::max<int64_t>(range.high - zero, zero - range.low);
    if (layout.runs * layout.length <= (kMost - extra) / std::max<int64_t>(1, largest * largest_input)) continue;
    int64_t at = c / layout.channels_per_group * layout.group_stride + c % layout.channels_per_group * layout.channel_stride;
    int64_t sum = tensor.dtype() == DType::kInt8 ? magnitude(static_cast<const int8_t*>(tensor.raw()) + at, layout, zero)
                                                 : magnitude(static_cast<const uint8_t*>(tensor.raw()) + at, layout, zero);
    if (sum > (kMost - extra) / std::max<int64_t>(1, largest_input)) return false;
  }
  return true;
}

// Reads scales and zero points as one per output channel. `axis` is where channels lie in the tensor; fewer parameters than channels
// are repeated (the groups of a transposed convolution share theirs).
bool read_weights(const QuantizedValue& quantized, int64_t axis, int64_t channels, Weights& weights) {
  if (quantized.value == nullptr || !is_byte(quantized.value->dtype) || !quantized.value->has_concrete_shape()) return false;
  weights.quantized = quantized;
  Reader<float> scales(quantized.scale->constant());
  int rank = quantized.value->shape->rank();
  int64_t given = quantized.axis < 0 ? quantized.axis + rank : quantized.axis;
  if (scales.size() != 1 && (given != axis || scales.size() == 0 || channels % scales.size() != 0)) return false;
  Reader<int32_t> zeros;
  if (quantized.zero_point != nullptr) {
    zeros = Reader<int32_t>(quantized.zero_point->constant());
    if (zeros.size() != scales.size()) return false;
  }
  for (int64_t c = 0; c < channels; ++c) {
    weights.scales.push_back(scales[c % scales.size()]);
    weights.zero_points.push_back(zeros ? zeros[c % zeros.size()] : 0);
  }
  return true;
}

// A constant bias of `channels` values (or one) as floats; false when it is something else. `times` is a factor on it.
bool read_bias(const Value* value, const QuantizedValue& quantized, int64_t channels, float times, std::vector<double>& bias) {
  if (value == nullptr) return true;
  std::vector<double> values;
  if (quantized.value != nullptr) {   // DequantizeLinear of int32
    if (!quantized.value->is_constant()) return false;
    Reader<int32_t> integers(quantized.value->constant());
    Reader<float> scales(quantized.scale->constant());
    if (scales.size() != 1 && scales.size() != integers.size()) return false;
    if (quantized.zero_point != nullptr) {
      Reader<int32_t> zeros(quantized.zero_point->constant());
      for (int64_t i = 0; i < zeros.size(); ++i)
        if (zeros[i] != 0) return false;
    }
    for (int64_t i = 0; i < integers.size(); ++i)
      values.push_back(static_cast<double>(integers[i]) * static_cast<double>(scales[scales.size() == 1 ? 0 : i]));
  } else {
    if (!value->is_constant() || value->dtype != DType::kFloat32) return false;
    Reader<float> floats(value->constant());
    for (int64_t i = 0; i < floats.size(); ++i) values.push_back(static_cast<double>(floats[i]));
  }
  const Shape& shape = *value->shape;
  int64_t count = static_cast<int64_t>(values.size());
  if (count != 1 && (count != channels || shape.rank() == 0 || shape[shape.rank() - 1] != channels)) return false;
  for (int64_t c = 0; c < channels; ++c) bias.push_back(values[static_cast<size_t>(count == 1 ? 0 : c)] * static_cast<double>(times));
  return true;
}

// At the scale of the sums where it fits there, else empty: then it is added in float.
std::vector<int32_t> integer_bias(const std::vector<double>& bias, float x_scale, const std::vector<float>& scales) {
  std::vector<int32_t> out;
  for (size_t c = 0; c < bias.size(); ++c) {
    double step = static_cast<double>(x_scale) * static_cast<double>(scales[c]);
    double value = kernels::math64::round_half_even(bias[c] / step);
    if (!(std::abs(value) < 2147483647.0)) return {};
    out.push_back(static_cast<int32_t>(value));
  }
  return out;
}

Value* float_bias(LowerContext& context, const std::vector<double>& bias) {
  std::vector<float> values(bias.begin(), bias.end());
  return bias.empty() ? nullptr : constant(context, "bias", values);
}

// Everything that a product of quantized x and w needs, checked.
struct Product {
  QuantizedValue x, y;
  float x_scale = 1;
  int32_t x_zero = 0;
  int64_t largest_input = 255;
};
bool read_product(const LowerContext& context, Product& p) {
  p.x = context.input(0);
  p.y = context.output();
  if (!is_scalar_byte(p.x)) return false;
  if (p.y.value != nullptr && !is_scalar_byte(p.y)) return false;
  p.x_scale = Reader<float>(p.x.scale->constant())[0];
  p.x_zero = zero_point_of(p.x);
  Range range = integer_range(p.x.value->dtype);
  p.largest_input = std::max(range.high - p.x_zero, p.x_zero - range.low);
  return true;
}

// A clamp that the operator itself carries, in units of y.
void set_clamp(Node& integer, const Activation& activation, const QuantizedValue& y) {
  if (activation.kind == Activation::Kind::kNone) return;
  Range range = integer_range(y.value->dtype);
  float scale = Reader<float>(y.scale->constant())[0];
  int32_t zero = zero_point_of(y);
  integer.attributes.set("clamp_min", int64_t{requantize(activation.low() / scale, range, zero)});
  integer.attributes.set("clamp_max", int64_t{requantize(activation.high() / scale, range, zero)});
}

void copy_attributes(const Node& from, Node& to, std::initializer_list<std::string_view> without) {
  to.attributes = from.attributes;
  for (std::string_view name : without) to.attributes.erase(name);
}

void finish(LowerContext& context, Node* integer) {
  infer_node(*integer);
  context.finish(integer->outputs[0]);
}

}  // namespace

bool lower_conv(LowerContext& context) {
  const Node& node = context.node();
  Product p;
  Weights weights;
  if (!read_product(context, p)) return false;
  QuantizedValue w = context.input(1);
  if (w.value == nullptr || !w.value->is_constant() || !w.value->has_concrete_shape() || w.value->shape->rank() < 3) return false;
  int64_t channels = (*w.value->shape)[0];
  Activation activation = read_activation(node.attributes);
  std::vector<double> bias;
  if (node.input(3) != nullptr || !activation.is_clamp() || !read_weights(w, 0, channels, weights) ||
      !read_bias(node.input(2), context.input(2), channels, 1.0f, bias))
    return false;
  bool quantized = p.y.value != nullptr;
  std::vector<int32_t> integers = quantized ? integer_bias(bias, p.x_scale, weights.scales) : std::vector<int32_t>();
  int64_t per_channel = w.value->shape->elements(1, w.value->shape->rank());
  if (!sum_fits(weights, channels, p.largest_input, integers, {channels, 0, per_channel, 1, 0, per_channel})) return false;

  std::vector<Value*> inputs{p.x.value, p.x.scale, zero_point(context, p.x), w.value, constant(context, "weight_scale", weights.scales),
                             zero_points(context, w.value->dtype, weights.zero_points)};
  Node* integer;
  if (quantized) {
    inputs.insert(inputs.end(), {p.y.scale, zero_point(context, p.y)});
    if (!bias.empty()) inputs.push_back(integers.empty() ? float_bias(context, bias) : constant(context, "bias", integers));
    integer = context.add("", "QLinearConv", inputs);
    copy_attributes(node, *integer, {"activation", "activation_params"});
    set_clamp(*integer, activation, p.y);
  } else {
    if (!bias.empty()) inputs.push_back(float_bias(context, bias));
    integer = context.add("octet", "ConvIntegerToFloat", inputs);
    copy_attributes(node, *integer, {});
  }
  finish(context, integer);
  return true;
}

bool lower_conv_transpose(LowerContext& context) {
  const Node& node = context.node();
  Product p;
  Weights weights;
  if (!read_product(context, p)) return false;
  QuantizedValue w = context.input(1);
  if (w.value == nullptr || !w.value->is_constant() || w.value->shape->rank() < 3) return false;
  const Shape& shape = *w.value->shape;
  int64_t groups = node.attributes.integer("group", 1);
  if (groups < 1 || shape[0] % groups != 0) return false;
  int64_t per_group = shape[1], channels = per_group * groups, taps = shape.elements(2, shape.rank());
  std::vector<double> bias;
  const int64_t axis = groups == shape[0] && per_group == 1 ? 0 : 1;   // depthwise: a group is a channel
  if (!read_weights(w, axis, channels, weights) || !read_bias(node.input(2), context.input(2), channels, 1.0f, bias)) return false;
  for (int32_t zero : weights.zero_points)
    if (zero != weights.zero_points[0] && groups > 1) return false;
  bool quantized = p.y.value != nullptr;
  std::vector<int32_t> integers = quantized ? integer_bias(bias, p.x_scale, weights.scales) : std::vector<int32_t>();
  int64_t group_inputs = shape[0] / groups;
  if (!sum_fits(weights, channels, p.largest_input, integers,
                {per_group, group_inputs * per_group * taps, taps, group_inputs, per_group * taps, taps}))
    return false;
  std::vector<int32_t> zeros = weights.zero_points;
  if (groups > 1) zeros.resize(1);
  std::vector<Value*> inputs{p.x.value, p.x.scale, zero_point(context, p.x), w.value, constant(context, "weight_scale", weights.scales),
                             zero_points(context, w.value->dtype, zeros)};
  if (quantized) inputs.insert(inputs.end(), {p.y.scale, zero_point(context, p.y)});
  if (!bias.empty()) inputs.push_back(integers.empty() ? float_bias(context, bias) : constant(context, "bias", integers));
  Node* integer = context.add("octet", quantized ? "QLinearConvTranspose" : "ConvTransposeIntegerToFloat", inputs);
  copy_attributes(node, *integer, {});
  finish(context, integer);
  return true;
}

namespace {

// The right side of a matrix product: constant weights, or another 8-bit tensor with one scale. `axis`: where its columns lie.
bool read_right(const LowerContext& context, const Product& p, int64_t axis, int64_t depth, int64_t columns, const std::vector<double>& bias,
                bool bias_in_sum, Weights& weights, std::vector<int32_t>& integers) {
  QuantizedValue w = context.input(1);
  if (!read_weights(w, axis, columns, weights)) return false;
  if (bias_in_sum) integers = integer_bias(bias, p.x_scale, weights.scales);
  if (w.value->is_constant()) {
    int64_t inner = w.value->shape->elements(static_cast<int>(axis) + 1, w.value->shape->rank());
    int64_t outer = w.value->shape->elements(0, static_cast<int>(axis));
    return sum_fits(weights, columns, p.largest_input, integers, {columns, 0, inner, outer, columns * inner, inner});
  }
  if (!is_scalar_byte(w) || depth < 0) return false;
  Range range = integer_range(w.value->dtype);
  int64_t largest = std::max(range.high - weights.zero_points[0], weights.zero_points[0] - range.low);
  int64_t largest_bias = 0;
  for (int32_t b : integers) largest_bias = std::max(largest_bias, std::abs(int64_t{b}));
  return depth <= (std::numeric_limits<int32_t>::max() - largest_bias) / (largest * p.largest_input);
}

// Scale and zero point inputs of the right side; one value where all are the same tensor-wide.
struct RightParameters { Value *scale, *zero; };
RightParameters right_parameters(LowerContext& context, const Weights& weights) {
  const QuantizedValue& w = weights.quantized;
  if (Reader<float>(w.scale->constant()).size() == 1) return {w.scale, zero_point(context, w)};
  return {constant(context, "weight_scale", weights.scales), zero_points(context, w.value->dtype, weights.zero_points)};
}

bool to_qgemm(LowerContext& context, const Product& p, const Weights& weights, const std::vector<double>& bias, const std::vector<int32_t>& integers,
              bool trans_a, bool trans_b, float alpha) {
  RightParameters right = right_parameters(context, weights);
  std::vector<Value*> inputs{p.x.value, p.x.scale, zero_point(context, p.x), weights.quantized.value, right.scale, right.zero, nullptr};
  if (!bias.empty()) inputs[6] = integers.empty() ? float_bias(context, bias) : constant(context, "bias", integers);
  if (p.y.value != nullptr) inputs.insert(inputs.end(), {p.y.scale, zero_point(context, p.y)});
  while (inputs.back() == nullptr) inputs.pop_back();
  Node* integer = context.add("com.microsoft", "QGemm", inputs);
  if (trans_a) integer->attributes.set("transA", int64_t{1});
  if (trans_b) integer->attributes.set("transB", int64_t{1});
  if (alpha != 1.0f) integer->attributes.set("alpha", alpha);
  finish(context, integer);
  return true;
}

}  // namespace

bool lower_gemm(LowerContext& context) {
  const Node& node = context.node();
  Product p;
  if (!read_product(context, p) || read_activation(node.attributes).kind != Activation::Kind::kNone) return false;
  QuantizedValue w = context.input(1);
  if (w.value == nullptr || !w.value->has_concrete_shape() || w.value->shape->rank() != 2) return false;
  bool trans_a = node.attributes.integer("transA", 0) != 0, trans_b = node.attributes.integer("transB", 0) != 0;
  float alpha = node.attributes.real("alpha", 1.0f), beta = node.attributes.real("beta", 1.0f);
  int64_t axis = trans_b ? 0 : 1, columns = (*w.value->shape)[static_cast<int>(axis)], depth = (*w.value->shape)[trans_b ? 1 : 0];
  if (!(alpha > 0)) return false;
  std::vector<double> bias;
  if (!read_bias(node.input(2), context.input(2), columns, beta, bias)) return false;
  Product scaled = p;   // the bias lies at the scale alpha · sx · sw
  scaled.x_scale = alpha * p.x_scale;
  Weights weights;
  std::vector<int32_t> integers;
  if (!read_right(context, scaled, axis, depth, columns, bias, p.y.value != nullptr, weights, integers)) return false;
  return to_qgemm(context, p, weights, bias, integers, trans_a, trans_b, alpha);
}

bool lower_matmul(LowerContext& context) {
  Product p;
  if (!read_product(context, p)) return false;
  QuantizedValue w = context.input(1);
  if (w.value == nullptr || !w.value->has_concrete_shape() || w.value->shape->rank() < 2) return false;
  const Shape& shape = *w.value->shape;
  int64_t columns = shape[shape.rank() - 1], depth = shape[shape.rank() - 2];
  std::vector<double> bias;
  if (context.bias() != nullptr && !read_bias(context.bias(), {}, columns, 1.0f, bias)) return false;
  Weights weights;
  std::vector<int32_t> integers;
  if (!read_right(context, p, shape.rank() - 1, depth, columns, bias, p.y.value != nullptr, weights, integers)) return false;
  if (!bias.empty() && p.y.value != nullptr) return to_qgemm(context, p, weights, bias, integers, false, false, 1.0f);
  RightParameters right = right_parameters(context, weights);
  Node* integer;
  if (p.y.value != nullptr) {
    integer = context.add("", "QLinearMatMul", {p.x.value, p.x.scale, zero_point(context, p.x), w.value, right.scale, right.zero, p.y.scale, zero_point(context, p.y)});
  } else {
    std::vector<Value*> inputs{p.x.value, w.value, p.x.scale, right.scale, zero_point(context, p.x), right.zero};
    if (!bias.empty()) inputs.push_back(float_bias(context, bias));
    integer = context.add("com.microsoft", "MatMulIntegerToFloat", inputs);
  }
  finish(context, integer);
  return true;
}

}  // namespace octet::ops
