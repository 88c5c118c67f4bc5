#include "kernels/conv/conv_f32.h"
#include "ops/product_step.h"
#include "ops/product_walk.h"

namespace octet::ops {

namespace {

using namespace kernels;

struct Parameters {
  ConvF32 op;
  ProductWalk walk;
  bool packed;                 // the right side lies in packed[0], one block of packed_stride bytes per matrix
  int64_t packed_stride, matrix_elements;
  int bias, residual;          // inputs by index, or -1: a bias not yet packed; a full-size addend
  float low, high, scale;      // scale: what is left of alpha
};

void run(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  const auto *a = static_cast<const float*>(step.inputs[0]), *b = p.packed ? nullptr : static_cast<const float*>(step.inputs[1]);
  auto* c = static_cast<float*>(step.outputs[0]);
  const float* bias = p.bias >= 0 ? static_cast<const float*>(step.inputs[p.bias]) : nullptr;
  walk_product(
      p.walk, p.op.tasks, 1, *step.pool, static_cast<std::byte*>(step.scratch),
      [&](int64_t batch, std::byte* memory) -> const void* {
        if (p.packed) return static_cast<const std::byte*>(step.packed[0]) + p.walk.b_offset(batch) / p.matrix_elements * p.packed_stride;
        pack_conv_f32(p.op, b + p.walk.b_offset(batch), p.walk.b_layout, bias, memory);
        return memory;
      },
      [&](int64_t batch, int64_t begin, int64_t end, const void* packed, std::byte* scratch) {
        ConvF32Args args;
        args.input = a + p.walk.a_offset(batch);
        args.packed = packed;
        args.output = c + batch * p.walk.m * p.walk.n;
        args.residual = p.residual >= 0 ? static_cast<const float*>(step.inputs[p.residual]) : nullptr;
        args.low = p.low;
        args.high = p.high;
        run_conv_f32(p.op, args, begin, end, scratch);
      });
  if (p.scale != 1.0f)
    step.pool->parallel_for(p.walk.batches * p.walk.m * p.walk.n, 1 << 14, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) c[i] = p.scale * c[i];
    });
}

constexpr StepFunction kStep = {"matrix_product_f32", run};

}  // namespace

bool bind_constant_product_f32(BindContext& context, int64_t k, int64_t n, const float* weights, const float* bias) {
  if (context.dtype(0) != DType::kFloat32 || context.layout(0) != Layout::kOnnx || context.output_layout() != Layout::kOnnx) return false;
  Parameters step{};
  ConvShape shape;
  if (!make_walk(plan_matrix_product(context.shape(0), Shape{k, n}), context.shape(0), step.walk, shape)) return false;
  step.packed = true;
  step.bias = step.residual = -1;
  step.low = -std::numeric_limits<float>::infinity();
  step.high = std::numeric_limits<float>::infinity();
  step.scale = 1;
  step.op = prepare_conv_f32(shape, context.isa());
  step.packed_stride = per_worker(step.op.packed_bytes);
  step.matrix_elements = k * n;
  context.pack(static_cast<size_t>(step.packed_stride), [&](void* block) { pack_conv_f32(step.op, weights, step.walk.b_layout, bias, block); });
  step.walk.worker_bytes = per_worker(step.op.scratch_bytes);
  context.set_scratch_bytes(step.walk.worker_bytes * context.threads());
  context.set(kStep, step, std::string("gemm_f32/") + name_of(gemm_f32::entries(), step.op.kernel));
  return true;
}

bool bind_product_f32(BindContext& context, const FloatProduct& product) {
  const Node& node = context.node();
  for (const Value* value : node.inputs)
    if (value != nullptr && (value->dtype != DType::kFloat32 || value->layout != Layout::kOnnx)) return false;
  if (context.output_layout() != Layout::kOnnx || !product.activation.is_clamp()) return false;
  MatrixProduct p = plan_matrix_product(context.shape(0), context.shape(1), product.ta, product.tb);
  Parameters step{};
  ConvShape shape;
  if (!make_walk(p, context.shape(0), step.walk, shape)) return false;
  const Tensor* b = context.raw_constant(1);
  step.packed = b != nullptr;
  step.bias = step.residual = -1;
  step.low = product.activation.low();
  step.high = product.activation.high();
  step.scale = 1;
  // alpha goes into constant weights; else it is a pass over the result, which must then be nothing but the product.
  if (product.alpha != 1.0f && !step.packed) {
    if (context.has_input(2) || product.activation.kind != Activation::Kind::kNone) return false;
    step.scale = product.alpha;
  }
  std::vector<float> bias;
  if (context.has_input(2)) {
    const Shape& of = context.shape(2);
    const Tensor* constant = context.constant(2);
    bool vector = of.elements() == 1 || (of.elements() == p.n && of[of.rank() - 1] == p.n);
    if (constant != nullptr && vector && step.packed) {
      Reader<float> values(*constant);
      for (int64_t j = 0; j < p.n; ++j) bias.push_back(product.beta * values[values.size() == 1 ? 0 : j]);
      context.drop_constant_input(2);
    } else if (product.beta == 1.0f && of == p.output) {
      step.residual = 2;
    } else if (product.beta == 1.0f && vector && of.elements() == p.n && !step.packed) {
      step.bias = 2;
    } else {
      return false;
    }
  }
  step.op = prepare_conv_f32(shape, context.isa());
  step.packed_stride = per_worker(step.op.packed_bytes);
  step.matrix_elements = p.k * p.n;
  if (step.packed) {
    int64_t matrices = b->elements() / step.matrix_elements;
    context.pack(static_cast<size_t>(matrices * step.packed_stride), [&](void* block) {
      std::vector<float> scaled;
      const auto* data = static_cast<const std::byte*>(b->raw());
      if (product.alpha != 1.0f) {
        for (int64_t i = 0; i < b->elements(); ++i) scaled.push_back(product.alpha * load_float(data, i));
        data = reinterpret_cast<const std::byte*>(scaled.data());
      }
      for (int64_t i = 0; i < matrices; ++i)
        pack_conv_f32(step.op, data + i * step.matrix_elements * 4, step.walk.b_layout, bias.empty() ? nullptr : bias.data(),
                      static_cast<std::byte*>(block) + i * step.packed_stride);
    });
    context.drop_packed_input(1);
  } else {
    step.walk.packed_bytes = step.packed_stride;
  }
  step.walk.worker_bytes = step.walk.packed_bytes + per_worker(step.op.scratch_bytes);
  context.set_scratch_bytes(step.walk.worker_bytes * context.threads());
  if (step.residual >= 0) context.allow_in_place(2);
  context.set(kStep, step, std::string("gemm_f32/") + name_of(gemm_f32::entries(), step.op.kernel));
  return true;
}

}  // namespace octet::ops
