// Convolutions on 8-bit values: ConvInteger, QLinearConv, and the internal ConvIntegerToFloat, QLinearConvTranspose,
// ConvTransposeIntegerToFloat,
//
//   QLinearConvAdd         QLinearConv, then QLinearAdd with another tensor: the sum of the two, each on its own 8-bit grid
//   QLinearConvFunction    ConvIntegerToFloat, then a function of the float kernels, then QuantizeLinear
//
// The sum over (x − zero point of x) · (w − zero point of w) is exact modulo 2^32; see DESIGN §4 for what follows it.
#include "ops/bind_convolution.h"
#include "ops/convolution.h"
#include "ops/epilogues.h"
#include "kernels/unary_f32/unary_f32.h"

namespace octet::ops {

namespace {

// The inputs of one form of the operator, by index; kAbsent where the form has none.
constexpr size_t kAbsent = 99;
struct Form {
  size_t x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
  bool transposed = false;
  bool function = false;         // y_scale and y_zero are those of the function's result
  size_t residual = kAbsent;     // b, followed by its scale and zero point and those of the sum
  constexpr bool requantizes() const { return y_scale != kAbsent && !function; }
};
constexpr Form kInteger{0, kAbsent, 2, 1, kAbsent, 3, kAbsent, kAbsent, kAbsent};
constexpr Form kLinear{0, 1, 2, 3, 4, 5, 6, 7, 8};
constexpr Form kLinearTransposed{0, 1, 2, 3, 4, 5, 6, 7, 8, true};
constexpr Form kToFloat{0, 1, 2, 3, 4, 5, kAbsent, kAbsent, 6};
constexpr Form kToFloatTransposed{0, 1, 2, 3, 4, 5, kAbsent, kAbsent, 6, true};
constexpr Form kLinearAdd{0, 1, 2, 3, 4, 5, 6, 7, 8, false, false, 9};
constexpr Form kLinearFunction{0, 1, 2, 3, 4, 5, 7, 8, 6, false, true};

template <const Form& form>
DType output_type(const Node& node) {
  if (form.residual != kAbsent) return node.inputs[form.residual + 4]->dtype;
  if (form.y_scale != kAbsent) return node.input(form.y_zero) != nullptr ? node.inputs[form.y_zero]->dtype : DType::kUInt8;
  return form.x_scale == kAbsent ? DType::kInt32 : DType::kFloat32;
}

// Inputs that follow the bias, which may be left out, are needed all the same.
template <const Form& form>
void require_last_inputs(const Node& node) {
  const size_t first = form.residual != kAbsent ? form.residual : form.y_scale, count = form.residual != kAbsent ? 5 : 2;
  for (size_t i = first; i < first + count; ++i) require(node.input(i) != nullptr, ErrorCode::kInvalidModel, "leaves out input ", i, ", which the operator needs");
}

template <const Form& form>
void infer(InferContext& context) {
  if constexpr (form.residual != kAbsent || form.function) require_last_inputs<form>(context.node());
  DType dtype = output_type<form>(context.node());
  std::optional<Shape> shape = form.transposed ? conv_transpose_shape(context, form.x, form.w) : conv_shape(context, form.x, form.w);
  for (size_t i : {form.x, form.w})
    require(context.dtype(i) == DType::kUInt8 || context.dtype(i) == DType::kInt8 || context.dtype(i) == DType::kUndefined,
            ErrorCode::kUnsupported, "input ", i, " must hold 8-bit values, not ", context.dtype(i));
  if (!shape) return context.set_output_rank_unknown(0, dtype);
  int64_t channels = (*shape)[1];
  for (size_t i : {form.w_scale, form.w_zero, form.bias}) {
    if (i == kAbsent || !context.has_rank(i) || !context.shape(i).is_concrete() || channels < 0) continue;
    int64_t count = context.shape(i).elements();
    require(count == channels || (count == 1 && i != form.bias), ErrorCode::kShapeMismatch, "input ", i, " has ", count, " values for ",
            channels, " output channels");
  }
  context.set_output(0, dtype, *shape);
}

// Values minus zero point as integers modulo 2^32. With `channels` > 1 zero points they change every `inner` values.
std::vector<uint32_t> centred(const Tensor& values, const Reader<int32_t>& zero, int64_t inner) {
  Reader<int32_t> read(values);
  std::vector<uint32_t> out(static_cast<size_t>(read.size()));
  for (int64_t i = 0; i < read.size(); ++i) {
    int32_t z = !zero ? 0 : zero.size() == 1 ? zero[0] : zero[i / inner % zero.size()];
    out[static_cast<size_t>(i)] = static_cast<uint32_t>(read[i] - z);
  }
  return out;
}

template <const Form& form>
void evaluate(EvaluateContext& context) {
  const Node& node = context.node();
  const Tensor &x_tensor = context.input(form.x), &w_tensor = context.input(form.w);
  const Shape& w_shape = w_tensor.shape();
  Convolution c = form.transposed ? conv_transpose_geometry(node, x_tensor.shape(), w_shape) : conv_geometry(node, x_tensor.shape(), w_shape);
  Reader<int32_t> x_zero(context, form.x_zero), w_zero(context, form.w_zero);
  require(!x_zero || x_zero.size() == 1, ErrorCode::kShapeMismatch, "the input's zero point must be one value");
  require(!w_zero || w_zero.size() == 1 || w_zero.size() == c.outputs, ErrorCode::kShapeMismatch, "the weights have ", w_zero.size(),
          " zero points for ", c.outputs, " output channels");
  // The output channel is axis 0 of Conv's weights. Of ConvTranspose's it is axis 1, within each group.
  require(!form.transposed || !w_zero || w_zero.size() == 1 || c.groups == 1, ErrorCode::kUnsupported,
          "zero points per channel of grouped transposed convolutions are not supported");
  std::vector<uint32_t> x = centred(x_tensor, x_zero, 1);
  std::vector<uint32_t> w = centred(w_tensor, w_zero, form.transposed ? w_shape.elements(2, w_shape.rank()) : w_shape.elements(1, w_shape.rank()));
  auto nothing = [](int64_t, int64_t, uint32_t*, int64_t) {};

  if constexpr (form.x_scale == kAbsent) {
    Tensor& y = context.output(0, DType::kInt32, c.output);
    convolve<uint32_t>(c, form.transposed, x.data(), w.data(), nullptr, static_cast<uint32_t*>(y.raw()), context.pool(), nothing);
  } else {
    float x_scale = scalar_scale(context, form.x_scale);
    Reader<float> w_scale(context, form.w_scale);
    require(w_scale.size() == 1 || w_scale.size() == c.outputs, ErrorCode::kShapeMismatch, "the weights have ", w_scale.size(),
            " scales for ", c.outputs, " output channels");
    auto product = [&](int64_t channel) { return x_scale * w_scale[w_scale.size() == 1 ? 0 : channel]; };
    bool has_bias = context.has_input(form.bias);
    require(!has_bias || context.input(form.bias).elements() == c.outputs, ErrorCode::kShapeMismatch, "the bias does not have ", c.outputs, " values");
    bool integer_bias = has_bias && context.input(form.bias).dtype() == DType::kInt32;
    const uint32_t* start = integer_bias ? static_cast<const uint32_t*>(context.input(form.bias).raw()) : nullptr;
    Reader<float> bias = has_bias && !integer_bias ? Reader<float>(context.input(form.bias)) : Reader<float>();
    std::vector<uint32_t> sums(static_cast<size_t>(c.output.elements()));

    if constexpr (form.function) {
      Tensor& y_tensor = context.output(0, output_type<form>(node), c.output);
      uint8_t* y = static_cast<uint8_t*>(y_tensor.raw());
      Range range = clamped_range(node, y_tensor.dtype());
      float y_scale = scalar_scale(context, form.y_scale);
      int32_t y_zero = scalar_zero_point(context, form.y_zero);
      const auto& kernel = kernels::unary_f32::reference;
      auto op = static_cast<kernels::unary_f32::Op>(checked_integer(node.attributes, "function", -1, 0, kernels::unary_f32::kOps - 1));
      kernels::unary_f32::Params parameters{node.attributes.real("alpha", 0), node.attributes.real("beta", 0)};
      convolve<uint32_t>(c, form.transposed, x.data(), w.data(), start, sums.data(), context.pool(),
                         [&](int64_t, int64_t channel, uint32_t* plane, int64_t size) {
                           float multiplier = product(channel), add = bias ? bias[channel] : 0.0f;
                           uint8_t* out = y + (plane - sums.data());
                           for (int64_t i = 0; i < size; ++i) {
                             float value = static_cast<float>(static_cast<int32_t>(plane[i])) * multiplier;
                             if (bias) value = value + add;
                             kernel.run(op, parameters, &value, &value, 1);
                             out[i] = static_cast<uint8_t>(requantize(value / y_scale, range, y_zero));
                           }
                         });
    } else if constexpr (form.y_scale == kAbsent) {
      float* y = context.output(0, DType::kFloat32, c.output).data<float>();
      Activation activation = read_activation(context.attributes());
      convolve<uint32_t>(c, form.transposed, x.data(), w.data(), start, sums.data(), context.pool(),
                         [&](int64_t, int64_t channel, uint32_t* plane, int64_t size) {
                           float multiplier = product(channel), add = bias ? bias[channel] : 0.0f;
                           float* out = y + (plane - sums.data());
                           for (int64_t i = 0; i < size; ++i) {
                             float value = static_cast<float>(static_cast<int32_t>(plane[i])) * multiplier;
                             out[i] = activation(bias ? value + add : value);
                           }
                         });
    } else {
      DType dtype = output_type<form>(node);
      Range range = clamped_range(node, dtype);
      [[maybe_unused]] const uint8_t* b = nullptr;
      [[maybe_unused]] float own_multiplier = 1, b_multiplier = 1;
      [[maybe_unused]] int32_t b_zero = 0, sum_zero = 0;
      Range own_range = range;
      if constexpr (form.residual != kAbsent) {
        const Tensor& residual = context.input(form.residual);
        require(residual.shape() == c.output && dtype_bits(residual.dtype()) == 8, ErrorCode::kShapeMismatch, "the residual is ", residual.dtype(), " ",
                residual.shape(), ", but 8-bit ", c.output, " is wanted");
        b = static_cast<const uint8_t*>(residual.raw());
        float sum_scale = scalar_scale(context, form.residual + 3);
        own_multiplier = scalar_scale(context, form.y_scale) / sum_scale, b_multiplier = scalar_scale(context, form.residual + 1) / sum_scale;
        b_zero = scalar_zero_point(context, form.residual + 2), sum_zero = scalar_zero_point(context, form.residual + 4);
        own_range = own_clamped_range(node, context.input(form.y_zero).dtype());
      }
      float y_scale = scalar_scale(context, form.y_scale);
      int32_t y_zero = scalar_zero_point(context, form.y_zero);
      uint8_t* y = static_cast<uint8_t*>(context.output(0, dtype, c.output).raw());
      require(dtype_bits(dtype) == 8, ErrorCode::kUnsupported, "the output must hold 8-bit values, not ", dtype);
      convolve<uint32_t>(c, form.transposed, x.data(), w.data(), start, sums.data(), context.pool(),
                         [&](int64_t, int64_t channel, uint32_t* plane, int64_t size) {
                           float multiplier = product(channel) / y_scale, add = bias ? bias[channel] / y_scale : 0.0f;
                           uint8_t* out = y + (plane - sums.data());
                           for (int64_t i = 0; i < size; ++i) {
                             float value = static_cast<float>(static_cast<int32_t>(plane[i])) * multiplier;
                             int32_t q = requantize(bias ? value + add : value, own_range, y_zero);
                             if constexpr (form.residual != kAbsent) {
                               uint8_t byte = b[out + i - y];
                               int32_t other = (context.input(form.residual).dtype() == DType::kInt8 ? static_cast<int8_t>(byte) : byte) - b_zero;
                               q = requantize(static_cast<float>(q - y_zero) * own_multiplier + static_cast<float>(other) * b_multiplier, range, sum_zero);
                             }
                             out[i] = static_cast<uint8_t>(q);
                           }
                         });
    }
  }
}

template <const Form& form>
int64_t macs(const Node& node) {
  return form.transposed ? conv_transpose_macs(node, form.x, form.w) : conv_macs(node, form.x, form.w, 0);
}

constexpr OperatorDef definitions[] = {
    {.name = "ConvInteger", .since_version = 10, .min_inputs = 2, .max_inputs = 4, .infer = infer<kInteger>, .evaluate = evaluate<kInteger>,
     .macs = macs<kInteger>, .bind = bind_conv_integer, .layout = conv_integer_layout},
    {.name = "QLinearConv", .since_version = 10, .min_inputs = 8, .max_inputs = 9, .infer = infer<kLinear>, .evaluate = evaluate<kLinear>,
     .macs = macs<kLinear>, .bind = bind_qlinear_conv, .layout = qlinear_conv_layout},
    {.domain = "octet", .name = "ConvIntegerToFloat", .min_inputs = 5, .max_inputs = 7, .infer = infer<kToFloat>,
     .evaluate = evaluate<kToFloat>, .macs = macs<kToFloat>, .bind = bind_conv_to_float,
     .layout = conv_to_float_layout},
    {.domain = "octet", .name = "QLinearConvAdd", .min_inputs = 8, .max_inputs = 14, .infer = infer<kLinearAdd>, .evaluate = evaluate<kLinearAdd>,
     .macs = macs<kLinearAdd>, .bind = bind_qlinear_conv_add, .layout = qlinear_conv_add_layout},
    {.domain = "octet", .name = "QLinearConvFunction", .min_inputs = 5, .max_inputs = 9, .infer = infer<kLinearFunction>,
     .evaluate = evaluate<kLinearFunction>, .macs = macs<kLinearFunction>, .bind = bind_qlinear_conv_function,
     .layout = qlinear_conv_function_layout},
    {.domain = "octet", .name = "QLinearConvTranspose", .min_inputs = 8, .max_inputs = 9, .infer = infer<kLinearTransposed>,
     .evaluate = evaluate<kLinearTransposed>, .macs = macs<kLinearTransposed>, .bind = bind_qlinear_conv_transpose,
     .layout = qlinear_conv_transpose_layout},
    {.domain = "octet", .name = "ConvTransposeIntegerToFloat", .min_inputs = 5, .max_inputs = 7, .infer = infer<kToFloatTransposed>,
     .evaluate = evaluate<kToFloatTransposed>, .macs = macs<kToFloatTransposed>, .bind = bind_conv_transpose_to_float,
     .layout = conv_transpose_to_float_layout},
};

}  // namespace

std::string_view with_residual(const Node& node) {
  return node.op->name == "QLinearConv" && node.op->domain.empty() && has_residual_epilogue(node) ? "QLinearConvAdd" : "";
}
std::string_view with_function(const Node& node) {
  bool plain = node.op->name == "ConvIntegerToFloat" && node.op->domain == "octet" && node.attributes.string("activation", "").empty();
  return plain ? "QLinearConvFunction" : "";
}

std::span<const OperatorDef> conv_integer_operators() { return definitions; }

}  // namespace octet::ops
