#include "ops/normalization_step.h"

#include <cmath>
#include <cstring>

#include "base/thread_pool.h"
#include "kernels/affine_f32/affine_f32.h"
#include "kernels/layer_norm_f32/layer_norm_f32.h"
#include "ops/bind_geometry.h"

namespace octet::ops {

namespace {

// --- rows -----------------------------------------------------------------------------------------------------------------------------

struct RowParameters {
  const kernels::layer_norm_f32::Kernel* kernel;
  int64_t rows, columns, skip_rows, grain;
  int skip, scale, bias, sum_bias;                       // inputs, or -1
  int mean_output, deviation_output, sum_output;         // outputs, or -1
  float epsilon;
  bool rms;
};

const float* input_of(const StepArguments& step, int i) { return i < 0 ? nullptr : static_cast<const float*>(step.inputs[i]); }
float* output_of(const StepArguments& step, int i) { return i < 0 ? nullptr : static_cast<float*>(step.outputs[i]); }

void run_rows(const StepArguments& step) {
  const auto& p = step.params<RowParameters>();
  const float *x = input_of(step, 0), *skip = input_of(step, p.skip), *sum_bias = input_of(step, p.sum_bias);
  float *y = output_of(step, 0), *means = output_of(step, p.mean_output), *inverses = output_of(step, p.deviation_output), *sums = output_of(step, p.sum_output);
  kernels::layer_norm_f32::Params params;
  params.epsilon = p.epsilon;
  params.rms = p.rms;
  params.scale = input_of(step, p.scale);
  params.bias = input_of(step, p.bias);
  step.pool->parallel_for(p.rows, p.grain, [&](int64_t begin, int64_t end, int) {
    kernels::layer_norm_f32::Params mine = params;
    if (skip == nullptr) {
      mine.means = means == nullptr ? nullptr : means + begin;
      mine.inverses = inverses == nullptr ? nullptr : inverses + begin;
      p.kernel->run(mine, x + begin * p.columns, y + begin * p.columns, end - begin, p.columns);
      return;
    }
    for (int64_t row = begin; row < end; ++row) {
      // The kernel works in place, so the sum may wait in the output's memory.
      float* sum = (sums != nullptr ? sums : y) + row * p.columns;
      const float *a = x + row * p.columns, *b = skip + row % p.skip_rows * p.columns;
      for (int64_t i = 0; i < p.columns; ++i) sum[i] = a[i] + b[i];
      for (int64_t i = 0; sum_bias != nullptr && i < p.columns; ++i) sum[i] += sum_bias[i];
      mine.means = means == nullptr ? nullptr : means + row;
      mine.inverses = inverses == nullptr ? nullptr : inverses + row;
      p.kernel->run(mine, sum, y + row * p.columns, 1, p.columns);
    }
  });
}

constexpr StepFunction kRows = {"layer_norm_f32", run_rows};

// --- channels -------------------------------------------------------------------------------------------------------------------------

struct ChannelParameters {
  const kernels::affine_f32::Kernel* kernel;
  int64_t rows, channels, grain;
};

// packed[0]: a, then b, one of each per channel.
void run_channels(const StepArguments& step) {
  const auto& p = step.params<ChannelParameters>();
  const auto *x = static_cast<const float*>(step.inputs[0]), *a = static_cast<const float*>(step.packed[0]);
  auto* y = static_cast<float*>(step.outputs[0]);
  step.pool->parallel_for(p.rows, p.grain, [&](int64_t begin, int64_t end, int) {
    p.kernel->channels(x + begin * p.channels, y + begin * p.channels, end - begin, p.channels, a, a + p.channels);
  });
}

constexpr StepFunction kChannels = {"affine_f32", run_channels};

}  // namespace

bool bind_row_normalization(BindContext& context, const RowNormalization& form) {
  const Node& node = context.node();
  for (const Value* value : node.inputs)
    if (value != nullptr && (value->dtype != DType::kFloat32 || value->layout != Layout::kOnnx)) return false;
  for (const Value* value : node.outputs)
    if (value != nullptr && (value->dtype != DType::kFloat32 || value->layout != Layout::kOnnx)) return false;
  if (form.rows == 0 || form.columns == 0 || node.output(0) == nullptr) return false;
  for (size_t i : {form.scale, form.bias, form.sum_bias})
    if (context.has_input(i) && context.shape(i).elements() != form.columns) return false;
  auto input = [&](size_t i) { return context.has_input(i) ? static_cast<int>(i) : -1; };
  auto output = [&](size_t i) { return node.output(i) != nullptr ? static_cast<int>(i) : -1; };
  RowParameters p{};
  p.kernel = kernels::layer_norm_f32::select(context.isa()).kernel;
  p.rows = form.rows, p.columns = form.columns;
  p.grain = std::max<int64_t>(1, 4096 / form.columns);
  p.skip = input(form.skip), p.scale = input(form.scale), p.bias = input(form.bias), p.sum_bias = input(form.sum_bias);
  p.mean_output = output(form.mean_output), p.deviation_output = output(form.deviation_output), p.sum_output = output(form.sum_output);
  p.epsilon = form.epsilon;
  p.rms = form.rms;
  if (p.skip >= 0) {
    int64_t elements = context.shape(form.skip).elements();
    if (elements == 0 || elements % form.columns != 0 || form.rows % (elements / form.columns) != 0) return false;
    p.skip_rows = elements / form.columns;
  }
  // The Rms form has no mean to report.
  if (form.rms && p.mean_output >= 0) return false;
  context.allow_in_place(0);
  context.set(kRows, p, std::string("layer_norm_f32/") + kernels::layer_norm_f32::select(context.isa()).name);
  return true;
}

LayoutSupport batch_normalization_layout(const Node& node) {
  if (!is_planar(node, 0) || node.inputs[0]->dtype != DType::kFloat32 || node.attributes.integer("training_mode", 0) != 0) return LayoutSupport::kOnnxOnly;
  for (size_t i = 1; i < 5; ++i)
    if (node.input(i) == nullptr || !node.inputs[i]->is_constant() || node.inputs[i]->dtype != DType::kFloat32) return LayoutSupport::kOnnxOnly;
  for (size_t i = 1; i < node.outputs.size(); ++i)
    if (node.outputs[i] != nullptr) return LayoutSupport::kOnnxOnly;
  return LayoutSupport::kChannelsLast;
}

bool bind_batch_normalization(BindContext& context) {
  const Node& node = context.node();
  if (batch_normalization_layout(node) != LayoutSupport::kChannelsLast || context.layout(0) != Layout::kChannelsLast ||
      context.output_layout() != Layout::kChannelsLast)
    return false;
  const Shape& shape = context.shape(0);
  ChannelParameters p{};
  p.kernel = kernels::affine_f32::select(context.isa()).kernel;
  p.channels = shape[1];
  p.rows = shape[0] * shape.elements(2, shape.rank());
  p.grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(1, p.channels));
  const float *scale = context.constant(1)->data<float>(), *bias = context.constant(2)->data<float>(), *mean = context.constant(3)->data<float>(),
              *variance = context.constant(4)->data<float>();
  float epsilon = node.attributes.real("epsilon", 1e-5f);
  Tensor block(DType::kFloat32, Shape{2 * p.channels});
  float* a = block.data<float>();
  for (int64_t c = 0; c < p.channels; ++c) {
    double factor = static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
    a[c] = static_cast<float>(factor);
    a[p.channels + c] = static_cast<float>(static_cast<double>(bias[c]) - static_cast<double>(mean[c]) * factor);
  }
  context.add_packed(std::move(block));
  for (size_t i = 1; i < 5; ++i) context.drop_constant_input(i);
  context.allow_in_place(0);
  context.set(kChannels, p, std::string("affine_f32/") + kernels::affine_f32::select(context.isa()).name);
  return true;
}

}  // namespace octet::ops
