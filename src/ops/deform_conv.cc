// DeformConv: a convolution in two dimensions whose taps are moved by learned offsets and weighted by a mask.
#include "ops/convolution.h"

namespace octet::ops {

namespace {

void infer(InferContext& context) {
  std::optional<Shape> shape = conv_shape(context, 0, 1);
  checked_integer(context.attributes(), "offset_group", 1, 1, int64_t{1} << 30);
  if (!shape) return context.set_output_rank_unknown(0, context.dtype(0));
  require(shape->rank() == 4, ErrorCode::kUnsupported, "DeformConv is supported in two dimensions only");
  context.set_output(0, context.dtype(0), *shape);
}

// Bilinear, zero outside.
template <typename T>
T sample(const T* plane, int64_t height, int64_t width, T y, T x) {
  if (!(y > -1 && x > -1 && y < static_cast<T>(height) && x < static_cast<T>(width))) return 0;
  int64_t top = static_cast<int64_t>(y + 1) - 1, left = static_cast<int64_t>(x + 1) - 1;   // floor for y > -1
  T dy = y - static_cast<T>(top), dx = x - static_cast<T>(left);
  auto at = [&](int64_t i, int64_t j) { return i >= 0 && j >= 0 && i < height && j < width ? plane[i * width + j] : T(0); };
  return (1 - dy) * ((1 - dx) * at(top, left) + dx * at(top, left + 1)) + dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1));
}

void evaluate(EvaluateContext& context) {
  const Shape& x_shape = context.input(0).shape();
  Convolution c = conv_geometry(context.node(), x_shape, context.input(1).shape());
  require(x_shape.rank() == 4, ErrorCode::kUnsupported, "DeformConv is supported in two dimensions only");
  const Geometry& g = c.geometry;
  int64_t offset_groups = checked_integer(context.attributes(), "offset_group", 1, 1, int64_t{1} << 30);
  require(c.inputs % offset_groups == 0, ErrorCode::kInvalidModel, c.inputs, " channels cannot be divided into ", offset_groups, " offset groups");
  int64_t taps = g.taps(), pixels = g.output_size(), group_inputs = c.inputs / c.groups, group_outputs = c.outputs / c.groups;
  Shape offsets_shape{c.batch, offset_groups * taps * 2, g.out[1], g.out[2]}, mask_shape{c.batch, offset_groups * taps, g.out[1], g.out[2]};
  require(context.input(2).shape() == offsets_shape, ErrorCode::kShapeMismatch, "the offsets have shape ", context.input(2).shape(),
          " instead of ", offsets_shape);
  require(!context.has_input(4) || context.input(4).shape() == mask_shape, ErrorCode::kShapeMismatch, "the mask does not have shape ", mask_shape);
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0)), w(context.input(1)), offsets(context.input(2)), bias(context, 3), mask(context, 4);
    require(!bias || bias.size() == c.outputs, ErrorCode::kShapeMismatch, "the bias does not have ", c.outputs, " values");
    Writer<T> y(context, 0, context.input(0).dtype(), c.output);
    // The sampled input of one picture: [inputs][taps][pixels].
    std::vector<T> columns(static_cast<size_t>(c.inputs * taps * pixels));
    for (int64_t n = 0; n < c.batch; ++n) {
      parallel(context.pool(), c.inputs, 1, [&](int64_t begin, int64_t end) {
        for (int64_t channel = begin; channel < end; ++channel) {
          int64_t group = channel / (c.inputs / offset_groups);
          const T* plane = x.data() + (n * c.inputs + channel) * g.input_size();
          for (int64_t tap = 0; tap < taps; ++tap) {
            const T* dy = offsets.data() + ((n * offset_groups + group) * taps + tap) * 2 * pixels;
            const T* weight = mask ? mask.data() + ((n * offset_groups + group) * taps + tap) * pixels : nullptr;
            T* out = columns.data() + (channel * taps + tap) * pixels;
            for (int64_t p = 0; p < pixels; ++p) {
              int64_t row = p / g.out[2] * g.stride[1] - g.pad[1] + tap / g.kernel[2] * g.dilation[1];
              int64_t column = p % g.out[2] * g.stride[2] - g.pad[2] + tap % g.kernel[2] * g.dilation[2];
              T value = sample(plane, g.in[1], g.in[2], static_cast<T>(row) + dy[p], static_cast<T>(column) + dy[pixels + p]);
              out[p] = weight != nullptr ? value * weight[p] : value;
            }
          }
        }
      });
      parallel(context.pool(), c.outputs, 1, [&](int64_t begin, int64_t end) {
        for (int64_t output = begin; output < end; ++output) {
          T* out = y.data() + (n * c.outputs + output) * pixels;
          for (int64_t p = 0; p < pixels; ++p) out[p] = bias ? bias[output] : T(0);
          const T* from = columns.data() + output / group_outputs * group_inputs * taps * pixels;
          for (int64_t k = 0; k < group_inputs * taps; ++k) {
            T weight = w[output * group_inputs * taps + k];
            for (int64_t p = 0; p < pixels; ++p) out[p] += weight * from[k * pixels + p];
          }
        }
      });
    }
  });
}

int64_t macs(const Node& node) { return conv_macs(node, 0, 1, 0); }

constexpr OperatorDef definitions[] = {
    {.name = "DeformConv", .since_version = 19, .min_inputs = 3, .max_inputs = 5, .infer = infer, .evaluate = evaluate, .macs = macs},
};

}  // namespace

std::span<const OperatorDef> deform_conv_operators() { return definitions; }

}  // namespace octet::ops
