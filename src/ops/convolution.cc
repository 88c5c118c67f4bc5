#include "ops/convolution.h"

#include <algorithm>
#include <limits>

#include "kernels/math.h"

namespace octet::ops {

namespace {

constexpr int64_t kLargest = int64_t{1} << 30;

int64_t read_groups(const Attributes& attributes) { return checked_integer(attributes, "group", 1, 1, kLargest); }

Window window_of(const Attributes& attributes, const Shape& w) {
  require(w.rank() >= 3, ErrorCode::kShapeMismatch, "weights of shape ", w, " have no spatial axis");
  return read_window(attributes, w.rank() - 2, std::span(w.extents()).subspan(2));
}

std::span<const int64_t> spatial(const Shape& shape) { return std::span(shape.extents()).subspan(2); }

Shape conv_output(const Attributes& attributes, const Shape& x, const Shape& w, const Window& window) {
  int64_t groups = read_groups(attributes);
  require(x.rank() == w.rank(), ErrorCode::kShapeMismatch, "an input of shape ", x, " does not go with weights of shape ", w);
  require(x[1] < 0 || w[1] < 0 || x[1] == w[1] * groups, ErrorCode::kShapeMismatch, "an input of ", x[1],
          " channels does not go with weights of shape ", w, " in ", groups, " groups");
  require(w[0] < 0 || w[0] % groups == 0, ErrorCode::kShapeMismatch, w[0], " output channels cannot be divided into ", groups, " groups");
  Shape y{x[0], w[0]};
  for (int axis = 0; axis < window.rank(); ++axis) y.push_back(window_output(window, axis, x[2 + axis], false));
  return y;
}

// Output extents of a transposed convolution; also makes the pads explicit where auto_pad or output_shape decides them.
Shape conv_transpose_output(const Attributes& attributes, const Shape& x, const Shape& w, Window& window) {
  int64_t groups = read_groups(attributes);
  require(x.rank() == w.rank(), ErrorCode::kShapeMismatch, "an input of shape ", x, " does not go with weights of shape ", w);
  require(x[1] < 0 || w[0] < 0 || x[1] == w[0], ErrorCode::kShapeMismatch, "an input of ", x[1],
          " channels does not go with weights of shape ", w);
  require(x[1] < 0 || x[1] % groups == 0, ErrorCode::kShapeMismatch, x[1], " channels cannot be divided into ", groups, " groups");
  auto rank = static_cast<size_t>(window.rank());
  std::span<const int64_t> padding = attributes.integers("output_padding"), shape = attributes.integers("output_shape");
  require(padding.empty() || padding.size() == rank, ErrorCode::kInvalidModel, "attribute 'output_padding' has ", padding.size(), " values");
  if (shape.size() == rank + 2) shape = shape.subspan(2);
  require(shape.empty() || shape.size() == rank, ErrorCode::kInvalidModel, "attribute 'output_shape' has ", shape.size(), " values");
  Shape y{x[0], w[1] < 0 ? Shape::kUnknown : w[1] * groups};
  bool automatic = window.auto_pad == AutoPad::kSameUpper || window.auto_pad == AutoPad::kSameLower;
  for (size_t i = 0; i < rank; ++i) {
    int64_t extent = x[static_cast<int>(i) + 2], extra = padding.empty() ? 0 : padding[i];
    require(extra >= 0 && extra <= kLargest, ErrorCode::kInvalidModel, "attribute 'output_padding' holds ", extra);
    if (extent < 0 || window.kernel[i] < 0) {
      y.push_back(shape.empty() ? Shape::kUnknown : shape[i]);
      continue;
    }
    int64_t full = window.strides[i] * (extent - 1) + extra + window.span(static_cast<int>(i));
    int64_t out;
    if (!shape.empty() || automatic) {
      out = shape.empty() ? extent * window.strides[i] : shape[i];
      require(out >= 0 && out <= kLargest, ErrorCode::kInvalidModel, "attribute 'output_shape' holds ", out);
      int64_t total = std::max<int64_t>(0, full - out);
      // Without SAME_UPPER the larger half goes in front.
      int64_t begin = window.auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
      window.pads[i] = begin;
      window.pads[i + rank] = total - begin;
    } else {
      if (window.auto_pad == AutoPad::kValid) window.pads[i] = window.pads[i + rank] = 0;
      out = full - window.pads[i] - window.pads[i + rank];
      require(out >= 0, ErrorCode::kShapeMismatch, "the padding takes away all ", full, " output elements");
    }
    y.push_back(out);
  }
  window.auto_pad = AutoPad::kNotSet;
  return y;
}

}  // namespace

std::optional<Shape> conv_shape(const InferContext& context, size_t x, size_t w) {
  if (!context.has_rank(x) || !context.has_rank(w)) return std::nullopt;
  return conv_output(context.attributes(), context.shape(x), context.shape(w), window_of(context.attributes(), context.shape(w)));
}

std::optional<Shape> conv_transpose_shape(const InferContext& context, size_t x, size_t w) {
  if (!context.has_rank(x) || !context.has_rank(w)) return std::nullopt;
  Window window = window_of(context.attributes(), context.shape(w));
  return conv_transpose_output(context.attributes(), context.shape(x), context.shape(w), window);
}

Convolution conv_geometry(const Node& node, const Shape& x, const Shape& w) {
  Window window = window_of(node.attributes, w);
  Convolution c;
  c.output = conv_output(node.attributes, x, w, window);
  resolve_pads(window, spatial(x));
  c.geometry = make_geometry(window, x, c.output);
  c.batch = x[0];
  c.inputs = x[1];
  c.outputs = w[0];
  c.groups = read_groups(node.attributes);
  return c;
}

Convolution conv_transpose_geometry(const Node& node, const Shape& x, const Shape& w) {
  Window window = window_of(node.attributes, w);
  Convolution c;
  c.output = conv_transpose_output(node.attributes, x, w, window);
  c.geometry = make_geometry(window, c.output, x);
  c.batch = x[0];
  c.inputs = x[1];
  c.outputs = c.output[1];
  c.groups = read_groups(node.attributes);
  return c;
}

int64_t conv_macs(const Node& node, size_t x, size_t w, size_t y) {
  const Shape& weights = *node.inputs[w]->shape;
  (void)x;
  return node.outputs[y]->shape->elements() * weights.elements(1, weights.rank());
}

int64_t conv_transpose_macs(const Node& node, size_t x, size_t w) {
  const Shape& weights = *node.inputs[w]->shape;
  return node.inputs[x]->shape->elements() * weights.elements(1, weights.rank());
}

float Activation::low() const {
  return kind == Kind::kRelu ? 0.0f : kind == Kind::kClip ? alpha : -std::numeric_limits<float>::infinity();
}
float Activation::high() const { return kind == Kind::kClip ? beta : std::numeric_limits<float>::infinity(); }

float Activation::operator()(float x) const {
  using kernels::simd::Scalar;
  switch (kind) {
    case Kind::kNone: return x;
    case Kind::kRelu: return 0.0f > x ? 0.0f : x;
    case Kind::kClip: x = alpha > x ? alpha : x; return beta < x ? beta : x;
    case Kind::kLeakyRelu: return x >= 0 ? x : alpha * x;
    case Kind::kSigmoid: return kernels::math::sigmoid(Scalar(x)).v;
    case Kind::kTanh: return kernels::math::tanh(Scalar(x)).v;
    case Kind::kHardSigmoid: x = alpha * x + beta; x = 0.0f > x ? 0.0f : x; return 1.0f < x ? 1.0f : x;
  }
  return x;
}

Activation read_activation(const Attributes& attributes) {
  Activation activation;
  std::string name = attributes.string("activation", "");
  std::span<const float> parameters = attributes.reals("activation_params");
  auto parameter = [&](size_t i, std::string_view attribute, float fallback) {
    return i < parameters.size() ? parameters[i] : attributes.real(attribute, fallback);
  };
  if (name.empty()) return activation;
  if (name == "Relu") {
    activation.kind = Activation::Kind::kRelu;
  } else if (name == "Clip") {
    activation.kind = Activation::Kind::kClip;
    activation.alpha = parameter(0, "activation_min", std::numeric_limits<float>::lowest());
    activation.beta = parameter(1, "activation_max", std::numeric_limits<float>::max());
  } else if (name == "LeakyRelu") {
    activation.kind = Activation::Kind::kLeakyRelu;
    activation.alpha = parameter(0, "activation_alpha", 0.01f);
  } else if (name == "Sigmoid") {
    activation.kind = Activation::Kind::kSigmoid;
  } else if (name == "Tanh") {
    activation.kind = Activation::Kind::kTanh;
  } else if (name == "HardSigmoid") {
    activation.kind = Activation::Kind::kHardSigmoid;
    activation.alpha = parameter(0, "activation_alpha", 0.2f);
    activation.beta = parameter(1, "activation_beta", 0.5f);
  } else {
    fail(ErrorCode::kUnsupported, "the fused activation '", name, "' is not supported");
  }
  return activation;
}

}  // namespace octet::ops
