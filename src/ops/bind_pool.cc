#include "ops/bind_pool.h"

#include "base/thread_pool.h"
#include "kernels/pool/pool.h"
#include "ops/bind_geometry.h"
#include "ops/pooling.h"

namespace octet::ops {

namespace {

using kernels::pool::AverageParams;

bool is_byte(DType dtype) { return dtype == DType::kUInt8 || dtype == DType::kInt8; }

struct Parameters {
  const kernels::pool::Kernel* kernel;
  kernels::pool::Geometry geometry;
  AverageParams average;
  int64_t images, rows;   // rows of all images together
  int64_t pixels;         // global: of one image
  bool is_signed;
};

kernels::pool::Geometry geometry_of(const Node& node, const Shape& x) {
  Shape y;
  Geometry g = pool_geometry(node, x, y);
  kernels::pool::Geometry k;
  k.in_height = g.in[1], k.in_width = g.in[2], k.out_height = g.out[1], k.out_width = g.out[2];
  k.channels = k.x_stride = k.y_stride = x[1];
  k.kernel_height = g.kernel[1], k.kernel_width = g.kernel[2];
  k.stride_height = g.stride[1], k.stride_width = g.stride[2];
  k.dilation_height = g.dilation[1], k.dilation_width = g.dilation[2];
  k.pad_top = g.pad[1], k.pad_left = g.pad[2], k.pad_bottom = g.pad_end[1], k.pad_right = g.pad_end[2];
  k.count_include_pad = node.attributes.integer("count_include_pad", 0) != 0;
  return k;
}

Parameters windowed(BindContext& context) {
  Parameters p{};
  p.kernel = kernels::pool::select(context.isa()).kernel;
  p.geometry = geometry_of(context.node(), context.shape(0));
  p.images = context.shape(0)[0];
  p.rows = p.images * p.geometry.out_height;
  p.is_signed = context.dtype(0) == DType::kInt8;
  return p;
}

Parameters global(BindContext& context) {
  Parameters p{};
  const Shape& x = context.shape(0);
  p.kernel = kernels::pool::select(context.isa()).kernel;
  p.images = x[0];
  p.geometry.channels = x[1];
  p.pixels = x.elements(2, x.rank());
  return p;
}

template <typename Body>
void over_rows(const StepArguments& args, const Parameters& p, Body&& body) {
  args.pool->parallel_for(p.rows, std::max<int64_t>(1, p.rows / (4 * args.pool->threads())), [&](int64_t begin, int64_t end, int) { body(begin, end); });
}

void run_max_f32(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  over_rows(args, p, [&](int64_t begin, int64_t end) {
    p.kernel->max_f32(p.geometry, static_cast<const float*>(args.inputs[0]), static_cast<float*>(args.outputs[0]), begin, end);
  });
}
void run_max_8(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  over_rows(args, p, [&](int64_t begin, int64_t end) {
    p.kernel->max_8(p.geometry, p.is_signed, static_cast<const uint8_t*>(args.inputs[0]), static_cast<uint8_t*>(args.outputs[0]), begin, end);
  });
}
void run_average_f32(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  over_rows(args, p, [&](int64_t begin, int64_t end) {
    p.kernel->average_f32(p.geometry, static_cast<const float*>(args.inputs[0]), static_cast<float*>(args.outputs[0]), begin, end);
  });
}
void run_average_8(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  over_rows(args, p, [&](int64_t begin, int64_t end) {
    p.kernel->average_8(p.geometry, p.average, static_cast<const uint8_t*>(args.inputs[0]), static_cast<uint8_t*>(args.outputs[0]), begin, end);
  });
}

constexpr int64_t kChannelsPerTask = 64;
template <typename Body>
void over_channels(const StepArguments& args, const Parameters& p, Body&& body) {
  int64_t channels = p.geometry.channels, blocks = (channels + kChannelsPerTask - 1) / kChannelsPerTask;
  args.pool->parallel_for(p.images * blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      int64_t first = task % blocks * kChannelsPerTask;
      body(task / blocks, first, std::min(channels, first + kChannelsPerTask));
    }
  });
}

void run_global_f32(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  int64_t channels = p.geometry.channels;
  over_channels(args, p, [&](int64_t image, int64_t begin, int64_t end) {
    p.kernel->global_average_f32(static_cast<const float*>(args.inputs[0]) + image * p.pixels * channels, p.pixels, channels,
                                 static_cast<float*>(args.outputs[0]) + image * channels, begin, end);
  });
}
void run_global_8(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  int64_t channels = p.geometry.channels;
  over_channels(args, p, [&](int64_t image, int64_t begin, int64_t end) {
    p.kernel->global_average_8(p.average, static_cast<const uint8_t*>(args.inputs[0]) + image * p.pixels * channels, p.pixels, channels,
                               static_cast<uint8_t*>(args.outputs[0]) + image * channels, begin, end);
  });
}

constexpr StepFunction kMaxF32{"max_pool_f32", run_max_f32}, kMax8{"max_pool_8", run_max_8}, kAverageF32{"average_pool_f32", run_average_f32},
    kAverage8{"average_pool_8", run_average_8}, kGlobalF32{"global_average_pool_f32", run_global_f32}, kGlobal8{"global_average_pool_8", run_global_8};

void set(BindContext& context, const StepFunction& function, const Parameters& p) {
  context.set(function, p, text("pool/", kernels::pool::select(context.isa()).name));
}

int32_t zero_point(const Tensor* tensor) {
  if (tensor == nullptr) return 0;
  return tensor->dtype() == DType::kInt8 ? tensor->data<int8_t>()[0] : tensor->data<uint8_t>()[0];
}

AverageParams average_of(const BindContext& context) {
  AverageParams a;
  a.x_scale = context.constant(1)->data<float>()[0];
  a.x_zero = zero_point(context.constant(2));
  a.y_scale = context.constant(3)->data<float>()[0];
  a.y_zero = zero_point(context.constant(4));
  a.x_signed = context.dtype(0) == DType::kInt8;
  a.low = a.x_signed ? -128 : 0;
  a.high = a.x_signed ? 127 : 255;
  return a;
}

}  // namespace

LayoutSupport pool_layout(const Node& node) {
  if (!is_planar(node, 0)) return LayoutSupport::kOnnxOnly;
  DType dtype = node.inputs[0]->dtype;
  bool max = node.op->name == "MaxPool";
  bool indices = node.output(1) != nullptr && node.outputs[1]->is_used();
  bool supported = dtype == DType::kFloat32 || (max && is_byte(dtype));
  return supported && !indices && node.outputs.size() == 1 ? LayoutSupport::kChannelsLast : LayoutSupport::kOnnxOnly;
}

bool bind_max_pool(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || pool_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  set(context, context.dtype(0) == DType::kFloat32 ? kMaxF32 : kMax8, windowed(context));
  return true;
}

bool bind_average_pool(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || pool_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  set(context, kAverageF32, windowed(context));
  return true;
}

bool bind_global_average_pool(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || pool_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  set(context, kGlobalF32, global(context));
  return true;
}

LayoutSupport qlinear_pool_layout(const Node& node) {
  if (!is_planar(node, 0) || !is_byte(node.inputs[0]->dtype) || node.attributes.integer("channels_last", 0) != 0) return LayoutSupport::kOnnxOnly;
  for (size_t i = 1; i < 5; ++i)
    if (!is_constant_or_absent(node, i)) return LayoutSupport::kOnnxOnly;
  return LayoutSupport::kChannelsLast;
}

bool bind_qlinear_average_pool(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || qlinear_pool_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  Parameters p = windowed(context);
  p.average = average_of(context);
  set(context, kAverage8, p);
  return true;
}

bool bind_qlinear_global_average_pool(BindContext& context) {
  if (context.layout(0) != Layout::kChannelsLast || qlinear_pool_layout(context.node()) != LayoutSupport::kChannelsLast) return false;
  Parameters p = global(context);
  p.average = average_of(context);
  set(context, kGlobal8, p);
  return true;
}

}  // namespace octet::ops
