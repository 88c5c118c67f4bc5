// 8-bit convolutions on the kernels of src/kernels/conv: exact sums, then int32, float or requantized bytes.
#include <algorithm>
#include <limits>

#include "base/thread_pool.h"
#include "kernels/conv/conv_int8.h"
#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/depthwise.h"
#include "ops/bind_convolution.h"
#include "ops/bind_geometry.h"

namespace octet::ops {

namespace {

using namespace kernels;

constexpr size_t kAbsent = 99;
// Which input is what, in each form of the operator; kAbsent where it has none.
struct Form {
  size_t x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
  bool function = false;        // y_scale and y_zero are those of a function of the float result
  size_t residual = kAbsent;    // followed by its scale and zero point, and those of the sum
  constexpr bool requantizes() const { return y_scale != kAbsent && !function; }
};
constexpr Form kInteger{kAbsent, 2, 1, kAbsent, 3, kAbsent, kAbsent, kAbsent};
constexpr Form kLinear{1, 2, 3, 4, 5, 6, 7, 8};
constexpr Form kToFloat{1, 2, 3, 4, 5, kAbsent, kAbsent, 6};
constexpr Form kLinearAdd{1, 2, 3, 4, 5, 6, 7, 8, false, 9};
constexpr Form kLinearFunction{1, 2, 3, 4, 5, 7, 8, 6, true};

bool is_8_bit(const Value* value) { return value != nullptr && (value->dtype == DType::kUInt8 || value->dtype == DType::kInt8); }

bool has_kernel(const Node& node, const Form& form) {
  if (!is_planar(node, 0) || !is_8_bit(node.inputs[0]) || !is_8_bit(node.input(form.w)) || !node.inputs[form.w]->is_constant()) return false;
  for (size_t i : {form.w_scale, form.w_zero, form.y_scale, form.y_zero, form.bias})
    if (i != kAbsent && !is_constant_or_absent(node, i)) return false;
  if (form.residual != kAbsent) {
    if (!is_8_bit(node.inputs[form.residual]) || node.inputs[form.residual]->shape != node.outputs[0]->shape) return false;
    for (size_t i = 1; i < 5; ++i)
      if (!node.inputs[form.residual + i]->is_constant()) return false;
  }
  Activation activation = read_activation(node.attributes);
  // A requantizing step has its multipliers made now; the others may learn the input's scale and zero point at run time.
  if (form.requantizes()) {
    return is_constant_or_absent(node, form.x_scale) && is_constant_or_absent(node, form.x_zero) && activation.kind == Activation::Kind::kNone;
  }
  for (size_t i : {form.x_scale, form.x_zero})
    if (node.input(i) != nullptr && !(node.inputs[i]->has_concrete_shape() && node.inputs[i]->shape->elements() == 1)) return false;
  return form.x_scale == kAbsent ? activation.kind == Activation::Kind::kNone : activation.is_clamp();
}

LayoutSupport layout_of(const Node& node, const Form& form) { return has_kernel(node, form) ? LayoutSupport::kChannelsLast : LayoutSupport::kOnnxOnly; }

int32_t byte_value(const Tensor& tensor, int64_t i) {
  return tensor.dtype() == DType::kInt8 ? tensor.data<int8_t>()[i] : tensor.dtype() == DType::kUInt8 ? tensor.data<uint8_t>()[i] : tensor.data<int32_t>()[i];
}

// Whether the weights' zero points are all 0 in the signed form.
bool is_centred(const BindContext& context, const Form& form) {
  if (context.dtype(form.w) == DType::kUInt8) return false;
  const Tensor* zero = context.constant(form.w_zero);
  if (zero == nullptr) return true;
  const auto* bytes = static_cast<const std::byte*>(zero->raw());
  return std::all_of(bytes, bytes + zero->bytes(), [](std::byte byte) { return byte == std::byte{0}; });
}

// Everything about the weights and the way back from sums, as arrays that live while packing. Only packing needs it: opening a pack does not.
struct Weights {
  std::vector<int32_t> zero_points, bias;
  std::vector<float> multiplier, float_bias;
  Int8Weights packed;   // points into the others

  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;
  Weights(const BindContext& context, const Form& form, int64_t channels, const WeightStrides& strides) {
    auto count = static_cast<size_t>(channels);
    const Tensor& w = *context.raw_constant(form.w);
    packed.data = w.raw();
    packed.is_unsigned = w.dtype() == DType::kUInt8;
    packed.strides = strides;
    if (const Tensor* zero = context.constant(form.x_zero)) packed.input_zero_point = byte_value(*zero, 0);
    if (const Tensor* zero = context.constant(form.w_zero)) {
      bool centred = true;
      for (size_t c = 0; c < count; ++c) {
        zero_points.push_back(byte_value(*zero, zero->elements() == 1 ? 0 : static_cast<int64_t>(c)));
        centred &= zero_points.back() == 0;
      }
      if (!centred) packed.zero_points = zero_points.data();
    }
    if (form.x_scale == kAbsent) return;
    // Where floats come out the driver multiplies by the input's scale.
    float x_scale = form.requantizes() ? context.constant(form.x_scale)->data<float>()[0] : 1.0f;
    float y_scale = form.requantizes() ? context.constant(form.y_scale)->data<float>()[0] : 1.0f;
    auto w_scales = context.constant(form.w_scale)->values<float>();
    for (size_t c = 0; c < count; ++c) {
      float w_scale = w_scales[w_scales.size() == 1 ? 0 : c];
      multiplier.push_back(form.requantizes() ? x_scale * w_scale / y_scale : w_scale);
    }
    packed.multiplier = multiplier.data();
    const Tensor* b = context.constant(form.bias);
    if (b == nullptr) return;
    if (b->dtype() == DType::kInt32) {
      packed.bias = b->data<int32_t>();
    } else {
      for (float value : b->values<float>()) float_bias.push_back(form.requantizes() ? value / y_scale : value);
      packed.float_bias = float_bias.data();
    }
  }
};

struct Common {
  Int8Output output = Int8Output::kByte;
  int32_t input_zero_point = 0, output_zero_point = 0, minimum = 0, maximum = 255;
  bool input_zero_at_run_time = false, zero_signed = false, scale_at_run_time = false;
  float input_scale = 1;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();   // a clamp of float results
  bool has_function = false;
  epilogue_int8::Function function;
  size_t residual_input = kAbsent;
  epilogue_int8::Residual residual;
  int64_t scratch = 0;
};

template <typename Op>
struct Parameters {
  Op op;
  Common common;
};

ConvInt8Args arguments(const StepArguments& args, const Common& p) {
  ConvInt8Args conv;
  conv.input = args.inputs[0];
  conv.packed = args.packed[0];
  conv.output = args.outputs[0];
  conv.output_kind = p.output;
  conv.input_zero_point = p.input_zero_point;
  if (p.input_zero_at_run_time)
    conv.input_zero_point = p.zero_signed ? *static_cast<const int8_t*>(args.inputs[2]) : *static_cast<const uint8_t*>(args.inputs[2]);
  conv.input_scale = p.scale_at_run_time ? *static_cast<const float*>(args.inputs[1]) : p.input_scale;
  conv.output_zero_point = p.output_zero_point;
  conv.minimum = p.minimum;
  conv.maximum = p.maximum;
  conv.low = p.low;
  conv.high = p.high;
  if (p.has_function) conv.function = &p.function;
  if (p.residual_input != kAbsent) {
    conv.residual = &p.residual;
    conv.residual_input = args.inputs[p.residual_input];
  }
  return conv;
}

int64_t grain(const ConvInt8& op, int threads) { return grain_conv_int8(op, threads); }
int64_t grain(const DepthwiseInt8&, int) { return 1; }

template <typename Op, void (*kRun)(const Op&, const ConvInt8Args&, int64_t, int64_t, void*)>
void run(const StepArguments& args) {
  const auto& p = args.params<Parameters<Op>>();
  ConvInt8Args conv = arguments(args, p.common);
  auto* scratch = static_cast<char*>(args.scratch);
  args.pool->parallel_for(p.op.tasks, grain(p.op, args.pool->threads()),
                          [&](int64_t begin, int64_t end, int worker) { kRun(p.op, conv, begin, end, scratch + worker * p.common.scratch); });
}

constexpr StepFunction kConv{"conv_int8", run<ConvInt8, run_conv_int8>};
constexpr StepFunction kDepthwise{"depthwise_int8", run<DepthwiseInt8, run_depthwise_int8>};

Common common_of(BindContext& context, const Form& form, size_t scratch_bytes) {
  Common p;
  const Node& node = context.node();
  p.scratch = per_worker(scratch_bytes);
  if (const Tensor* zero = context.constant(form.x_zero)) p.input_zero_point = byte_value(*zero, 0);
  else if (context.has_input(form.x_zero)) p.input_zero_at_run_time = true, p.zero_signed = context.dtype(form.x_zero) == DType::kInt8;
  if (form.y_scale != kAbsent) {
    if (const Tensor* zero = context.constant(form.y_zero)) p.output_zero_point = byte_value(*zero, 0);
    Range range = clamped_range(node, node.outputs[0]->dtype);
    p.minimum = static_cast<int32_t>(range.low);
    p.maximum = static_cast<int32_t>(range.high);
  } else {
    p.output = form.x_scale == kAbsent ? Int8Output::kInt32 : Int8Output::kFloat32;
  }
  if (!form.requantizes() && form.x_scale != kAbsent) {
    if (const Tensor* scale = context.constant(form.x_scale)) p.input_scale = scale->data<float>()[0];
    else p.scale_at_run_time = true;
    Activation activation = read_activation(node.attributes);
    p.low = activation.low(), p.high = activation.high();
  }
  if (form.function) {
    p.has_function = true;
    p.function.op = static_cast<unary_f32::Op>(checked_integer(node.attributes, "function", -1, 0, unary_f32::kOps - 1));
    p.function.parameters = {node.attributes.real("alpha", 0), node.attributes.real("beta", 0)};
    p.function.scale = context.constant(form.y_scale)->data<float>()[0];
  }
  if (form.residual != kAbsent) {
    auto scale = [&](size_t i) { return context.constant(i)->data<float>()[0]; };
    Range own = own_clamped_range(node, context.dtype(form.y_zero));
    p.residual_input = form.residual;
    p.residual.own_low = static_cast<float>(own.low - p.output_zero_point);
    p.residual.own_high = static_cast<float>(own.high - p.output_zero_point);
    p.residual.own_multiplier = scale(form.y_scale) / scale(form.residual + 3);
    p.residual.multiplier = scale(form.residual + 1) / scale(form.residual + 3);
    p.residual.zero_point = byte_value(*context.constant(form.residual + 2), 0);
    p.residual.is_signed = context.dtype(form.residual) == DType::kInt8;
    p.output_zero_point = byte_value(*context.constant(form.residual + 4), 0);
    for (size_t i = 1; i < 5; ++i) context.drop_constant_input(form.residual + i);
    context.allow_in_place(form.residual);
  }
  context.set_scratch_bytes(p.scratch * context.threads());
  context.drop_packed_input(form.w);
  for (size_t i : {form.w_scale, form.w_zero, form.bias})
    if (i != kAbsent && context.has_input(i)) context.drop_constant_input(i);
  return p;
}

bool bind(BindContext& context, const Form& form) {
  if (context.layout(0) != Layout::kChannelsLast || !has_kernel(context.node(), form)) return false;
  ConvShape shape = with_strides(kernel_shape(conv_geometry(context.node(), context.shape(0), context.shape(form.w))));
  bool input_signed = context.dtype(0) == DType::kInt8;
  auto weights = [&] { return Weights(context, form, shape.output_channels, conv_weights(shape)); };
  if (is_depthwise(shape)) {   // has_residual_epilogue keeps residuals away
    DepthwiseInt8 op = prepare_depthwise_int8(shape, input_signed, is_centred(context, form), context.isa());
    context.pack(op.packed_bytes, [&](void* block) { pack_depthwise_int8(op, weights().packed, block); });
    Parameters<DepthwiseInt8> p{op, common_of(context, form, op.scratch_bytes)};
    context.set(kDepthwise, p, text("depthwise_int8/", name_of(depthwise_int8::entries(), op.kernel)));
    return true;
  }
  ConvInt8 op = prepare_conv_int8(shape, input_signed, context.isa());
  context.pack(op.packed_bytes, [&](void* block) { pack_conv_int8(op, weights().packed, block); });
  Parameters<ConvInt8> p{op, common_of(context, form, op.scratch_bytes)};
  context.set(kConv, p, text("conv_int8/", name_of(gemm_int8::entries(), op.kernel)));
  return true;
}

constexpr size_t kMostPhases = 16;
template <typename Op>
struct TransposeParameters {
  Op ops[kMostPhases];
  size_t packed_offset[kMostPhases];
  int64_t output_offset[kMostPhases], first_task[kMostPhases];   // the offset in bytes
  size_t parts;
  int64_t tasks;
  Common common;
};

template <typename Op, void (*kRun)(const Op&, const ConvInt8Args&, int64_t, int64_t, void*)>
void run_transpose(const StepArguments& args) {
  const auto& p = args.params<TransposeParameters<Op>>();
  ConvInt8Args conv = arguments(args, p.common);
  auto* scratch = static_cast<char*>(args.scratch);
  args.pool->parallel_for(p.tasks, 1, [&](int64_t begin, int64_t end, int worker) {
    for (size_t i = 0; i < p.parts; ++i) {
      int64_t first = p.first_task[i], count = p.ops[i].tasks;
      int64_t from = std::max(begin, first) - first, to = std::min(end, first + count) - first;
      if (from >= to) continue;
      ConvInt8Args mine = conv;
      mine.packed = static_cast<const char*>(conv.packed) + p.packed_offset[i];
      mine.output = static_cast<char*>(conv.output) + p.output_offset[i];
      kRun(p.ops[i], mine, from, to, scratch + worker * p.common.scratch);
    }
  });
}

constexpr StepFunction kTranspose{"conv_transpose_int8", run_transpose<ConvInt8, run_conv_int8>};
constexpr StepFunction kDepthwiseTranspose{"depthwise_transpose_int8", run_transpose<DepthwiseInt8, run_depthwise_int8>};

template <typename Op>
void finish_transpose(BindContext& context, const Form& form, const StepFunction& function, const ConvTranspose<Op>& op, const std::string& kernel) {
  TransposeParameters<Op> p{};
  p.parts = op.parts.size();
  p.tasks = op.tasks;
  p.common = common_of(context, form, op.scratch_bytes);
  for (size_t i = 0; i < p.parts; ++i) {
    p.ops[i] = op.parts[i].op;
    p.packed_offset[i] = op.parts[i].packed_offset;
    p.output_offset[i] = op.parts[i].phase.output_offset * (p.common.output == Int8Output::kByte ? 1 : 4);
    p.first_task[i] = op.parts[i].first_task;
  }
  context.set(function, p, kernel);
}

LayoutSupport transpose_layout_of(const Node& node, const Form& form) {
  if (!has_kernel(node, form) || node.outputs[0]->shape->elements() == 0) return LayoutSupport::kOnnxOnly;
  Convolution c = conv_transpose_geometry(node, *node.inputs[0]->shape, *node.inputs[form.w]->shape);
  bool few = c.geometry.stride[1] * c.geometry.stride[2] <= static_cast<int64_t>(kMostPhases);
  return few ? LayoutSupport::kChannelsLast : LayoutSupport::kOnnxOnly;
}

bool bind_transpose(BindContext& context, const Form& form) {
  if (context.layout(0) != Layout::kChannelsLast || transpose_layout_of(context.node(), form) != LayoutSupport::kChannelsLast) return false;
  ConvShape shape = with_strides(kernel_shape_of_transpose(context.node(), context.shape(0), context.shape(form.w)));
  bool input_signed = context.dtype(0) == DType::kInt8;
  auto weights = [&] { return Weights(context, form, shape.output_channels, conv_transpose_weights(shape)); };
  if (is_depthwise(shape)) {
    auto op = prepare_depthwise_transpose_int8(shape, input_signed, is_centred(context, form), context.isa());
    context.pack(op.packed_bytes, [&](void* block) { pack_depthwise_transpose_int8(op, weights().packed, block); });
    finish_transpose(context, form, kDepthwiseTranspose, op, text("depthwise_transpose_int8/", name_of(depthwise_int8::entries(), op.parts[0].op.kernel)));
    return true;
  }
  auto op = prepare_conv_transpose_int8(shape, input_signed, context.isa());
  context.pack(op.packed_bytes, [&](void* block) { pack_conv_transpose_int8(op, weights().packed, block); });
  finish_transpose(context, form, kTranspose, op, text("conv_transpose_int8/", name_of(gemm_int8::entries(), op.parts[0].op.kernel)));
  return true;
}

}  // namespace

LayoutSupport conv_integer_layout(const Node& node) { return layout_of(node, kInteger); }
bool bind_conv_integer(BindContext& context) { return bind(context, kInteger); }
LayoutSupport qlinear_conv_layout(const Node& node) { return layout_of(node, kLinear); }
bool bind_qlinear_conv(BindContext& context) { return bind(context, kLinear); }
LayoutSupport qlinear_conv_add_layout(const Node& node) { return layout_of(node, kLinearAdd); }
bool bind_qlinear_conv_add(BindContext& context) { return bind(context, kLinearAdd); }
Range own_clamped_range(const Node& node, DType dtype) {
  Range range = integer_range(dtype);
  range.low = std::clamp(node.attributes.integer("own_clamp_min", range.low), range.low, range.high);
  range.high = std::clamp(node.attributes.integer("own_clamp_max", range.high), range.low, range.high);
  return range;
}
bool has_residual_epilogue(const Node& node) {
  return has_kernel(node, kLinear) && !is_depthwise(with_strides(kernel_shape(conv_geometry(node, *node.inputs[0]->shape, *node.inputs[3]->shape))));
}
LayoutSupport qlinear_conv_function_layout(const Node& node) { return layout_of(node, kLinearFunction); }
bool bind_qlinear_conv_function(BindContext& context) { return bind(context, kLinearFunction); }
LayoutSupport conv_to_float_layout(const Node& node) { return layout_of(node, kToFloat); }
bool bind_conv_to_float(BindContext& context) { return bind(context, kToFloat); }

LayoutSupport qlinear_conv_transpose_layout(const Node& node) { return transpose_layout_of(node, kLinear); }
bool bind_qlinear_conv_transpose(BindContext& context) { return bind_transpose(context, kLinear); }
LayoutSupport conv_transpose_to_float_layout(const Node& node) { return transpose_layout_of(node, kToFloat); }
bool bind_conv_transpose_to_float(BindContext& context) { return bind_transpose(context, kToFloat); }

}  // namespace octet::ops
