#include "ops/float_steps.h"

#include "ops/dispatch.h"

namespace octet::ops {

namespace {

namespace unary_f32 = kernels::unary_f32;
namespace binary_f32 = kernels::binary_f32;

constexpr int64_t kGrain = 1 << 14;   // elements that are worth a worker's while

struct UnaryParameters {
  const unary_f32::Kernel* kernel;
  UnaryKernel function;
  int64_t count;
};

void run_unary(const StepArguments& arguments) {
  const auto& p = arguments.params<UnaryParameters>();
  const float* x = static_cast<const float*>(arguments.inputs[0]);
  float* y = static_cast<float*>(arguments.outputs[0]);
  arguments.pool->parallel_for(p.count, kGrain, [&](int64_t begin, int64_t end, int) {
    p.kernel->run(p.function.op, p.function.parameters, x + begin, y + begin, end - begin);
  });
}

constexpr StepFunction unary_step = {"unary_f32", run_unary};

struct BinaryParameters {
  const binary_f32::Kernel* kernel;
  binary_f32::Op op;
  binary_f32::Params limits;
  kernels::Broadcast shape;
};

void run_binary(const StepArguments& arguments) {
  const auto& p = arguments.params<BinaryParameters>();
  const float *a = static_cast<const float*>(arguments.inputs[0]), *b = static_cast<const float*>(arguments.inputs[1]);
  float* y = static_cast<float*>(arguments.outputs[0]);
  arguments.pool->parallel_for(p.shape.elements(), kGrain, [&](int64_t begin, int64_t end, int) {
    p.kernel->run(p.op, p.limits, p.shape, a, b, y, begin, end);
  });
}

constexpr StepFunction binary_step = {"binary_f32", run_binary};

}  // namespace

bool bind_unary_kernel(BindContext& context, const UnaryKernel& kernel) {
  const auto& entry = unary_f32::select(context.isa());
  context.set(unary_step, UnaryParameters{entry.kernel, kernel, context.shape(0).elements()}, std::string("unary_f32/") + entry.name);
  context.allow_in_place(0);
  return true;
}

void run_unary_kernel(const UnaryKernel& kernel, const float* x, float* y, int64_t count, ThreadPool* pool) {
  const auto* chosen = unary_f32::select(active_isa()).kernel;   // every level gives the same bits
  parallel_ranges(pool, count, 1, [&](int64_t begin, int64_t end) {
    chosen->run(kernel.op, kernel.parameters, x + begin, y + begin, end - begin);
  });
}

bool bind_binary_kernel(BindContext& context, binary_f32::Op op, const StridedLoop<3>& loop, binary_f32::Params limits) {
  if (loop.axes > kernels::Broadcast::kMaxRank || loop.empty) return false;
  kernels::Broadcast shape;
  shape.rank = loop.axes > 0 ? loop.axes : 1;
  for (int axis = 0; axis < loop.axes; ++axis) {
    shape.extent[axis] = loop.extents[axis];
    shape.a_stride[axis] = loop.strides[1][axis];
    shape.b_stride[axis] = loop.strides[2][axis];
  }
  const auto& entry = binary_f32::select(context.isa());
  context.set(binary_step, BinaryParameters{entry.kernel, op, limits, shape}, std::string("binary_f32/") + entry.name);
  return true;
}

}  // namespace octet::ops
