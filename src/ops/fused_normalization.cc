#include "ops/fused_normalization.h"

#include "base/thread_pool.h"
#include "kernels/layer_norm_f32/layer_norm_f32.h"
#include "ops/bind_geometry.h"
#include "ops/numeric.h"

namespace octet::ops {

namespace {

using kernels::layer_norm_f32::Fused;

enum Input : size_t { kX, kScale, kBias, kSkip };

void infer(InferContext& context) {
  const FusedNormalization n = read_fused_normalization(context.attributes());
  // A pack file may say anything.
  const DType skip = context.has_input(kSkip) ? context.dtype(kSkip) : DType::kFloat32;
  require(context.dtype(kX) == DType::kFloat32 && context.dtype(kScale) == DType::kFloat32 &&
              (!context.has_input(kBias) || context.dtype(kBias) == DType::kFloat32) &&
              (n.skip_quantized ? skip == DType::kUInt8 || skip == DType::kInt8 : skip == DType::kFloat32) &&
              (n.y_type == DType::kFloat32 || n.y_type == DType::kUInt8 || n.y_type == DType::kInt8),
          ErrorCode::kInvalidModel, "the operands of a fused normalization have other types");
  for (int64_t zero : {n.skip_zero_point, n.y_zero_point}) require(zero >= -128 && zero <= 255, ErrorCode::kInvalidModel, "a zero point is ", zero);
  auto elements = [&](size_t i) { return context.has_rank(i) && context.shape(i).is_concrete() ? context.shape(i).elements() : int64_t{-1}; };
  const int64_t all = elements(kX);
  for (size_t i : {kScale, kBias})
    if (context.has_input(i) && elements(i) >= 0)
      require(elements(i) == n.columns, ErrorCode::kShapeMismatch, "input ", i, " has ", elements(i), " elements for rows of ", n.columns);
  require(all < 0 || all % n.columns == 0, ErrorCode::kShapeMismatch, "rows of ", n.columns, " in ", all, " elements");
  if (context.has_input(kSkip) && elements(kSkip) >= 0 && all >= 0)
    require(elements(kSkip) == all, ErrorCode::kShapeMismatch, "a sum of ", all, " and ", elements(kSkip), " elements");
  context.same_as_input(0, 0);
  if (context.has_rank(0)) context.set_output(0, n.y_type, context.shape(0));
  context.same_as_input(1, 0);
}

// What does not change from row to row; addresses are set for row 0.
Fused describe(const FusedNormalization& n, const void* x, const void* skip, bool skip_signed, const void* scale, const void* bias, void* y) {
  Fused f;
  f.params.epsilon = n.epsilon;
  f.params.scale = static_cast<const float*>(scale);
  f.params.bias = static_cast<const float*>(bias);
  f.x = static_cast<const float*>(x);
  if (n.skip_quantized) f.skip_bytes = static_cast<const uint8_t*>(skip);
  else f.skip = static_cast<const float*>(skip);
  f.skip_scale = n.skip_scale;
  f.skip_zero_point = static_cast<int32_t>(n.skip_zero_point);
  f.skip_signed = skip_signed;
  if (n.y_type == DType::kFloat32) f.y = static_cast<float*>(y);
  else f.y_bytes = static_cast<uint8_t*>(y);
  f.y_scale = n.y_scale;
  f.y_zero_point = static_cast<int32_t>(n.y_zero_point);
  if (n.y_type == DType::kInt8) f.y_low = -128, f.y_high = 127;
  return f;
}

void evaluate(EvaluateContext& context) {
  const FusedNormalization n = read_fused_normalization(context.attributes());
  const Tensor& x = context.input(0);
  Tensor& y = context.output(0, n.y_type, x.shape());
  auto data = [&](size_t i) { return context.has_input(i) ? context.input(i).raw() : nullptr; };
  Fused f = describe(n, x.raw(), data(kSkip), context.has_input(kSkip) && context.input(kSkip).dtype() == DType::kInt8, data(kScale), data(kBias), y.raw());
  std::vector<float> row(static_cast<size_t>(n.columns));
  f.keeps_sum = context.has_output(1);
  f.sum = f.keeps_sum ? context.output(1, DType::kFloat32, x.shape()).data<float>() : row.data();
  kernels::layer_norm_f32::reference.fused(f, x.elements() / n.columns, n.columns);
}

struct Parameters {
  const kernels::layer_norm_f32::Kernel* kernel;
  Fused fused;
  bool skip_quantized, bytes_out, has_skip, has_bias, keeps_sum;
  int64_t rows, columns, grain, row_bytes;
};

void run(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  step.pool->parallel_for(p.rows, p.grain, [&](int64_t begin, int64_t end, int worker) {
    const int64_t at = begin * p.columns;
    Fused f = p.fused;
    f.params.scale = static_cast<const float*>(step.inputs[kScale]);
    f.params.bias = p.has_bias ? static_cast<const float*>(step.inputs[kBias]) : nullptr;
    f.x = static_cast<const float*>(step.inputs[0]) + at;
    if (p.has_skip && p.skip_quantized) f.skip_bytes = static_cast<const uint8_t*>(step.inputs[kSkip]) + at;
    if (p.has_skip && !p.skip_quantized) f.skip = static_cast<const float*>(step.inputs[kSkip]) + at;
    f.keeps_sum = p.keeps_sum;
    f.sum = p.keeps_sum ? static_cast<float*>(step.outputs[1]) + at : reinterpret_cast<float*>(static_cast<std::byte*>(step.scratch) + worker * p.row_bytes);
    if (p.bytes_out) f.y_bytes = static_cast<uint8_t*>(step.outputs[0]) + at;
    else f.y = static_cast<float*>(step.outputs[0]) + at;
    p.kernel->fused(f, end - begin, p.columns);
  });
}

constexpr StepFunction kStep = {"fused_normalization", run};

bool bind(BindContext& context) {
  const Node& node = context.node();
  for (const auto* values : {&node.inputs, &node.outputs})
    for (const Value* value : *values)
      if (value != nullptr && value->layout != Layout::kOnnx) return false;
  const FusedNormalization n = read_fused_normalization(context.attributes());
  Parameters p{};
  p.kernel = kernels::layer_norm_f32::select(context.isa()).kernel;
  p.has_skip = context.has_input(kSkip), p.has_bias = context.has_input(kBias);
  p.fused = describe(n, nullptr, nullptr, p.has_skip && context.dtype(kSkip) == DType::kInt8, nullptr, nullptr, nullptr);
  p.skip_quantized = n.skip_quantized;
  p.bytes_out = n.y_type != DType::kFloat32;
  p.keeps_sum = node.output(1) != nullptr;
  p.columns = n.columns;
  p.rows = context.shape(0).elements() / n.columns;
  p.grain = std::max<int64_t>(1, 4096 / n.columns);
  p.row_bytes = per_worker(static_cast<size_t>(n.columns) * 4);
  context.set_scratch_bytes(p.row_bytes * context.threads());
  context.set(kStep, p, std::string("layer_norm_f32/") + kernels::layer_norm_f32::select(context.isa()).name);
  return true;
}

constexpr OperatorDef definitions[] = {
    {.domain = "octet", .name = "FusedNormalization", .min_inputs = 2, .max_inputs = 4, .max_outputs = 2, .infer = infer, .evaluate = evaluate, .bind = bind},
};

}  // namespace

void set_attributes(const FusedNormalization& n, Attributes& attributes) {
  attributes.set("columns", n.columns);
  attributes.set("epsilon", n.epsilon);
  attributes.set("y_type", static_cast<int64_t>(n.y_type));
  if (n.y_type != DType::kFloat32) attributes.set("y_scale", n.y_scale), attributes.set("y_zero_point", n.y_zero_point);
  if (n.skip_quantized) attributes.set("skip_scale", n.skip_scale), attributes.set("skip_zero_point", n.skip_zero_point);
}

FusedNormalization read_fused_normalization(const Attributes& attributes) {
  FusedNormalization n;
  n.columns = attributes.integer("columns");
  require(n.columns > 0, ErrorCode::kInvalidModel, "attribute 'columns' is ", n.columns);
  n.epsilon = attributes.real("epsilon");
  n.y_type = static_cast<DType>(attributes.integer("y_type"));
  n.y_scale = attributes.real("y_scale", 1.0f);
  n.y_zero_point = attributes.integer("y_zero_point", 0);
  n.skip_quantized = attributes.has("skip_scale");
  n.skip_scale = attributes.real("skip_scale", 1.0f);
  n.skip_zero_point = attributes.integer("skip_zero_point", 0);
  return n;
}

std::span<const OperatorDef> fused_normalization_operators() { return definitions; }

}  // namespace octet::ops
