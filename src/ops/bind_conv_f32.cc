// Float convolutions on the kernels of src/kernels/conv.
#include "base/thread_pool.h"
#include "kernels/conv/conv_f32.h"
#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/depthwise.h"
#include "ops/bind_convolution.h"
#include "ops/bind_geometry.h"

namespace octet::ops {

namespace {

using namespace kernels;

bool has_float_kernel(const Node& node) {
  return is_planar(node, 0) && node.inputs[0]->dtype == DType::kFloat32 && node.inputs[1]->is_constant() && is_constant_or_absent(node, 2) &&
         read_activation(node.attributes).is_clamp();
}

template <typename Op>
struct Parameters {
  Op op;
  float low, high;
  int64_t scratch;
  bool residual;
};

template <typename Op, void (*kRun)(const Op&, const ConvF32Args&, int64_t, int64_t, void*)>
void run(const StepArguments& args) {
  const auto& p = args.params<Parameters<Op>>();
  ConvF32Args conv;
  conv.input = static_cast<const float*>(args.inputs[0]);
  conv.packed = args.packed[0];
  conv.output = static_cast<float*>(args.outputs[0]);
  conv.residual = p.residual ? static_cast<const float*>(args.inputs[3]) : nullptr;
  conv.low = p.low;
  conv.high = p.high;
  auto* scratch = static_cast<char*>(args.scratch);
  args.pool->parallel_for(p.op.tasks, 1, [&](int64_t begin, int64_t end, int worker) { kRun(p.op, conv, begin, end, scratch + worker * p.scratch); });
}

constexpr StepFunction kConv{"conv_f32", run<ConvF32, run_conv_f32>};
constexpr StepFunction kDepthwise{"depthwise_f32", run<DepthwiseF32, run_depthwise_f32>};

template <typename Op>
void finish(BindContext& context, const StepFunction& function, const Op& op, const std::string& kernel) {
  Activation activation = read_activation(context.attributes());
  Parameters<Op> p{op, activation.low(), activation.high(), per_worker(op.scratch_bytes), context.has_input(3)};
  context.set_scratch_bytes(p.scratch * context.threads());
  context.drop_packed_input(1);
  if (context.has_input(2)) context.drop_constant_input(2);
  context.set(function, p, kernel);
}

// A transposed convolution is one ordinary convolution per residue of the stride.
constexpr size_t kMostPhases = 16;
template <typename Op>
struct TransposeParameters {
  Op ops[kMostPhases];
  size_t packed_offset[kMostPhases];
  int64_t output_offset[kMostPhases], first_task[kMostPhases];
  size_t parts;
  int64_t tasks, scratch;
};

template <typename Op, void (*kRun)(const Op&, const ConvF32Args&, int64_t, int64_t, void*)>
void run_transpose(const StepArguments& args) {
  const auto& p = args.params<TransposeParameters<Op>>();
  auto* scratch = static_cast<char*>(args.scratch);
  args.pool->parallel_for(p.tasks, 1, [&](int64_t begin, int64_t end, int worker) {
    for (size_t i = 0; i < p.parts; ++i) {
      int64_t first = p.first_task[i], count = p.ops[i].tasks;
      int64_t from = std::max(begin, first) - first, to = std::min(end, first + count) - first;
      if (from >= to) continue;
      ConvF32Args conv;
      conv.input = static_cast<const float*>(args.inputs[0]);
      conv.packed = static_cast<const char*>(args.packed[0]) + p.packed_offset[i];
      conv.output = static_cast<float*>(args.outputs[0]) + p.output_offset[i];
      kRun(p.ops[i], conv, from, to, scratch + worker * p.scratch);
    }
  });
}

constexpr StepFunction kTranspose{"conv_transpose_f32", run_transpose<ConvF32, run_conv_f32>};
constexpr StepFunction kDepthwiseTranspose{"depthwise_transpose_f32", run_transpose<DepthwiseF32, run_depthwise_f32>};

template <typename Op>
void finish_transpose(BindContext& context, const StepFunction& function, const ConvTranspose<Op>& op, const std::string& kernel) {
  TransposeParameters<Op> p{};
  p.parts = op.parts.size();
  for (size_t i = 0; i < p.parts; ++i) {
    p.ops[i] = op.parts[i].op;
    p.packed_offset[i] = op.parts[i].packed_offset;
    p.output_offset[i] = op.parts[i].phase.output_offset;
    p.first_task[i] = op.parts[i].first_task;
  }
  p.tasks = op.tasks;
  p.scratch = per_worker(op.scratch_bytes);
  context.set_scratch_bytes(p.scratch * context.threads());
  context.drop_packed_input(1);
  if (context.has_input(2)) context.drop_constant_input(2);
  context.set(function, p, kernel);
}

}  // namespace

LayoutSupport conv_f32_layout(const Node& node) {
  bool residual_fits = node.input(3) == nullptr || node.inputs[3]->shape == node.outputs[0]->shape;
  return has_float_kernel(node) && residual_fits ? LayoutSupport::kChannelsLast : LayoutSupport::kOnnxOnly;
}

bool bind_conv_f32(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || conv_f32_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  ConvShape shape = kernel_shape(conv_geometry(context.node(), context.shape(0), context.shape(1)));
  const Tensor* bias = context.constant(2);
  const float* bias_data = bias != nullptr ? bias->data<float>() : nullptr;
  const void* weights = context.raw_constant(1)->raw();
  if (is_depthwise(shape)) {
    const auto& entry = depthwise_f32::select(context.isa());
    DepthwiseF32 op = prepare_depthwise_f32(shape, *entry.kernel);
    context.pack(op.packed_bytes, [&](void* block) { pack_depthwise_f32(op, weights, conv_weights(op.shape), bias_data, block); });
    finish(context, kDepthwise, op, text("depthwise_f32/", entry.name));
    return true;
  }
  const auto& entry = gemm_f32::select(context.isa());
  ConvF32 op = prepare_conv_f32(shape, *entry.kernel);
  context.pack(op.packed_bytes, [&](void* block) { pack_conv_f32(op, weights, conv_weights(op.shape), bias_data, block); });
  finish(context, kConv, op, text("conv_f32/", entry.name));
  return true;
}

LayoutSupport conv_transpose_f32_layout(const Node& node) {
  if (!has_float_kernel(node)) return LayoutSupport::kOnnxOnly;
  Convolution c = conv_transpose_geometry(node, *node.inputs[0]->shape, *node.inputs[1]->shape);
  bool few = c.geometry.stride[1] * c.geometry.stride[2] <= static_cast<int64_t>(kMostPhases);
  return few ? LayoutSupport::kChannelsLast : LayoutSupport::kOnnxOnly;
}

bool bind_conv_transpose_f32(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || conv_transpose_f32_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  ConvShape shape = kernel_shape_of_transpose(context.node(), context.shape(0), context.shape(1));
  const Tensor* bias = context.constant(2);
  const float* bias_data = bias != nullptr ? bias->data<float>() : nullptr;
  const void* weights = context.raw_constant(1)->raw();
  WeightStrides strides = conv_transpose_weights(with_strides(shape));
  if (is_depthwise(shape)) {
    auto op = prepare_depthwise_transpose_f32(shape, context.isa());
    context.pack(op.packed_bytes, [&](void* block) { pack_depthwise_transpose_f32(op, weights, strides, bias_data, block); });
    finish_transpose(context, kDepthwiseTranspose, op, text("depthwise_transpose_f32/", depthwise_f32::select(context.isa()).name));
    return true;
  }
  auto op = prepare_conv_transpose_f32(shape, context.isa());
  context.pack(op.packed_bytes, [&](void* block) { pack_conv_transpose_f32(op, weights, strides, bias_data, block); });
  finish_transpose(context, kTranspose, op, text("conv_transpose_f32/", gemm_f32::select(context.isa()).name));
  return true;
}

}  // namespace octet::ops
