// Convolutions in floating point: Conv, FusedConv, ConvTranspose.
#include "ops/bind_convolution.h"
#include "ops/convolution.h"
#include "ops/lowering.h"

namespace octet::ops {

namespace {

void check_bias(const InferContext& context, size_t bias, int64_t channels) {
  if (context.has_rank(bias))
    require(context.shape(bias).rank() == 1 && (channels < 0 || context.shape(bias)[0] < 0 || context.shape(bias)[0] == channels),
            ErrorCode::kShapeMismatch, "a bias of shape ", context.shape(bias), " does not go with ", channels, " channels");
}

void infer_conv(InferContext& context) {
  std::optional<Shape> shape = conv_shape(context, 0, 1);
  read_activation(context.attributes());
  if (!shape) return context.set_output_rank_unknown(0, context.dtype(0));
  check_bias(context, 2, (*shape)[1]);
  if (context.has_rank(3)) {
    require(context.shape(3).rank() == shape->rank(), ErrorCode::kShapeMismatch, "a residual of shape ", context.shape(3),
            " cannot be added to an output of shape ", *shape);
    for (int axis = 0; axis < shape->rank(); ++axis) same_extent(context.shape(3)[axis], (*shape)[axis], "the extents of output and residual");
  }
  context.set_output(0, context.dtype(0), *shape);
}

void infer_conv_transpose(InferContext& context) {
  std::optional<Shape> shape = conv_transpose_shape(context, 0, 1);
  if (!shape) return context.set_output_rank_unknown(0, context.dtype(0));
  check_bias(context, 2, (*shape)[1]);
  context.set_output(0, context.dtype(0), *shape);
}

template <bool transposed>
void evaluate(EvaluateContext& context) {
  const Shape &x_shape = context.input(0).shape(), &w_shape = context.input(1).shape();
  Convolution c = transposed ? conv_transpose_geometry(context.node(), x_shape, w_shape) : conv_geometry(context.node(), x_shape, w_shape);
  Activation activation;
  if (!transposed) activation = read_activation(context.attributes());
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0)), w(context.input(1)), bias(context, 2), residual(context, 3);
    require(!bias || bias.size() == c.outputs, ErrorCode::kShapeMismatch, "the bias has ", bias.size(), " values for ", c.outputs, " channels");
    Writer<T> y(context, 0, context.input(0).dtype(), c.output);
    require(!residual || residual.size() == y.size(), ErrorCode::kShapeMismatch, "the residual has ", residual.size(), " values, the output ", y.size());
    convolve(c, transposed, x.data(), w.data(), bias.data(), y.data(), context.pool(),
             [&](int64_t, int64_t, T* plane, int64_t size) {
               const T* add = residual ? residual.data() + (plane - y.data()) : nullptr;
               for (int64_t i = 0; i < size; ++i) {
                 if (add != nullptr) plane[i] += add[i];
                 if (activation.kind != Activation::Kind::kNone) plane[i] = static_cast<T>(activation(static_cast<float>(plane[i])));
               }
             });
  });
}

int64_t macs(const Node& node) { return conv_macs(node, 0, 1, 0); }
int64_t macs_transposed(const Node& node) { return conv_transpose_macs(node, 0, 1); }

constexpr OperatorDef definitions[] = {
    {.name = "Conv", .min_inputs = 2, .max_inputs = 3, .infer = infer_conv, .evaluate = evaluate<false>, .macs = macs,
     .bind = bind_conv_f32, .lower = lower_conv, .layout = conv_f32_layout, .quantizable = true, .dynamic_quantizable = true},
    {.domain = "com.microsoft", .name = "FusedConv", .min_inputs = 2, .max_inputs = 4, .infer = infer_conv, .evaluate = evaluate<false>,
     .macs = macs, .bind = bind_conv_f32, .lower = lower_conv, .layout = conv_f32_layout, .quantizable = true, .dynamic_quantizable = true},
    {.name = "ConvTranspose", .min_inputs = 2, .max_inputs = 3, .infer = infer_conv_transpose, .evaluate = evaluate<true>,
     .macs = macs_transposed, .bind = bind_conv_transpose_f32, .lower = lower_conv_transpose, .layout = conv_transpose_f32_layout, .quantizable = true},
};

}  // namespace

std::span<const OperatorDef> conv_operators() { return definitions; }

}  // namespace octet::ops
