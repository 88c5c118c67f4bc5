#include "ops/quantize_step.h"

#include <cstring>

#include "kernels/dequantize/dequantize.h"
#include "kernels/quantize/quantize.h"
#include "kernels/table_u8/table_u8.h"
#include "ops/axes.h"
#include "ops/dynamic_quantizer.h"
#include "ops/lower_values.h"

namespace octet::ops {

namespace {

constexpr int64_t kGrain = 1 << 14;
constexpr int64_t kReorderedPixels = 1 << 10;

// x is [outer][extent][inner]; with `per_axis` position `extent` has a scale and zero point of its own.
struct Parameters {
  const kernels::quantize::Kernel* quantize;
  const kernels::dequantize::Kernel* dequantize;
  int64_t outer, extent, inner;
  int64_t channels, pixels;   // for another order: of an image
  bool per_axis, is_signed, is_int32, has_zero;
  kernels::quantize::Range range;
};

void select_kernels(Parameters& p, Isa isa) {
  p.quantize = kernels::quantize::select(isa).kernel;
  p.dequantize = kernels::dequantize::select(isa).kernel;
}

int32_t zero_point_at(const Parameters& p, const void* zero) {
  if (!p.has_zero || p.is_int32) return 0;
  return p.is_signed ? static_cast<int32_t>(*static_cast<const int8_t*>(zero)) : static_cast<int32_t>(*static_cast<const uint8_t*>(zero));
}

// Per axis packed[0] holds scales, then zero points as int32, `extent` of each.
const float* scales_of(const StepArguments& step) { return static_cast<const float*>(step.packed[0]); }
const int32_t* zeros_of(const StepArguments& step, const Parameters& p) { return reinterpret_cast<const int32_t*>(scales_of(step) + p.extent); }

int64_t rows_at_once(int64_t row) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, row)); }

void run_quantize(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  const auto* x = static_cast<const float*>(step.inputs[0]);
  auto* y = static_cast<uint8_t*>(step.outputs[0]);
  if (!p.per_axis) {
    float scale = *static_cast<const float*>(step.inputs[1]);
    int32_t zero = p.has_zero ? zero_point_at(p, step.inputs[2]) : 0;
    step.pool->parallel_for(p.extent, kGrain, [&](int64_t begin, int64_t end, int) { p.quantize->tensor(x + begin, y + begin, end - begin, scale, zero, p.range); });
  } else if (p.inner == 1) {
    step.pool->parallel_for(p.outer, rows_at_once(p.extent), [&](int64_t begin, int64_t end, int) {
      p.quantize->channels(x + begin * p.extent, y + begin * p.extent, end - begin, p.extent, scales_of(step), zeros_of(step, p), p.range);
    });
  } else {
    step.pool->parallel_for(p.outer * p.extent, rows_at_once(p.inner), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        p.quantize->tensor(x + i * p.inner, y + i * p.inner, p.inner, scales_of(step)[i % p.extent], zeros_of(step, p)[i % p.extent], p.range);
    });
  }
}

// ONNX order in, channels-last out.
void run_quantize_reorder(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  const auto* x = static_cast<const float*>(step.inputs[0]);
  auto* y = static_cast<uint8_t*>(step.outputs[0]);
  const float scale = *static_cast<const float*>(step.inputs[1]);
  const int32_t zero = p.has_zero ? zero_point_at(p, step.inputs[2]) : 0;
  const int64_t image = p.channels * p.pixels, pieces = (p.pixels + kReorderedPixels - 1) / kReorderedPixels;
  step.pool->parallel_for(p.outer * pieces, rows_at_once(kReorderedPixels * p.channels), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i / pieces * image, first = i % pieces * kReorderedPixels;
      p.quantize->nchw_to_nhwc(x + at, y + at, p.channels, p.pixels, first, std::min(first + kReorderedPixels, p.pixels), scale, zero, p.range);
    }
  });
}

void run_dequantize(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  const auto* x = static_cast<const uint8_t*>(step.inputs[0]);
  const auto* x32 = static_cast<const int32_t*>(step.inputs[0]);
  auto* y = static_cast<float*>(step.outputs[0]);
  auto tensor = [&](int64_t at, int64_t count, float scale, int32_t zero) {
    if (p.is_int32) p.dequantize->int32_tensor(x32 + at, y + at, count, scale);
    else p.dequantize->tensor(x + at, p.is_signed, y + at, count, scale, zero);
  };
  if (!p.per_axis) {
    float scale = *static_cast<const float*>(step.inputs[1]);
    int32_t zero = p.has_zero ? zero_point_at(p, step.inputs[2]) : 0;
    step.pool->parallel_for(p.extent, kGrain, [&](int64_t begin, int64_t end, int) { tensor(begin, end - begin, scale, zero); });
  } else if (p.inner == 1) {
    step.pool->parallel_for(p.outer, rows_at_once(p.extent), [&](int64_t begin, int64_t end, int) {
      int64_t at = begin * p.extent;
      if (p.is_int32) p.dequantize->int32_channels(x32 + at, y + at, end - begin, p.extent, scales_of(step));
      else p.dequantize->channels(x + at, p.is_signed, y + at, end - begin, p.extent, scales_of(step), zeros_of(step, p));
    });
  } else {
    step.pool->parallel_for(p.outer * p.extent, rows_at_once(p.inner), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) tensor(i * p.inner, p.inner, scales_of(step)[i % p.extent], zeros_of(step, p)[i % p.extent]);
    });
  }
}

constexpr StepFunction kQuantize = {"quantize", run_quantize};
constexpr StepFunction kQuantizeReorder = {"quantize_reorder", run_quantize_reorder};
constexpr StepFunction kDequantize = {"dequantize", run_dequantize};

// One scale for the whole tensor.
bool per_tensor(const Node& node) {
  const Value *scale = node.input(1), *zero = node.input(2);
  return node.attributes.integer("block_size", 0) == 0 && scale != nullptr && scale->has_concrete_shape() && scale->shape->elements() == 1 &&
         scale->dtype == DType::kFloat32 && (zero == nullptr || (zero->has_concrete_shape() && zero->shape->elements() == 1));
}

bool quantize_types(const Node& node) { return node.inputs[0]->dtype == DType::kFloat32 && is_byte(node.outputs[0]->dtype); }
bool dequantize_types(const Node& node) {
  DType x = node.inputs[0]->dtype;
  return (is_byte(x) || x == DType::kInt32) && node.outputs[0]->dtype == DType::kFloat32;
}

bool bind(BindContext& context, const StepFunction& function, DType quantized, std::string name) {
  const Node& node = context.node();
  Parameters p{};
  select_kernels(p, context.isa());
  p.is_signed = quantized == DType::kInt8;
  p.is_int32 = quantized == DType::kInt32;
  p.has_zero = context.has_input(2);
  if (p.is_signed) p.range = {-128, 127};
  if (per_tensor(node)) {
    p.outer = p.inner = 1;
    p.extent = context.shape(0).elements();
    if (p.is_int32 && p.has_zero) {   // only 0 has a kernel
      const Tensor* zero = context.constant(2);
      if (zero == nullptr || Reader<int32_t>(*zero)[0] != 0) return false;
    }
    context.set(function, p, std::move(name));
    return true;
  }
  const Tensor *scale = context.constant(1), *zero = context.constant(2);
  const Shape& shape = context.shape(0);
  if (node.attributes.integer("block_size", 0) != 0 || scale == nullptr || scale->dtype() != DType::kFloat32 || scale->shape().rank() != 1 ||
      (p.has_zero && zero == nullptr) || context.layout(0) != Layout::kOnnx || context.output_layout() != Layout::kOnnx)
    return false;
  int axis = normalize_axis(node.attributes.integer("axis", 1), shape.rank());
  p.per_axis = true;
  p.outer = shape.elements(0, axis), p.extent = shape[axis], p.inner = shape.elements(axis + 1, shape.rank());
  if (scale->elements() != p.extent || (zero != nullptr && zero->elements() != p.extent)) return false;
  std::vector<int32_t> zeros(static_cast<size_t>(p.extent), 0);
  if (zero != nullptr) load_elements(*zero, zeros.data());
  if (p.is_int32)
    for (int32_t z : zeros)
      if (z != 0) return false;
  Tensor block(DType::kUInt8, Shape{p.extent * 8});
  std::memcpy(block.raw(), scale->raw(), static_cast<size_t>(p.extent) * 4);
  std::memcpy(static_cast<std::byte*>(block.raw()) + p.extent * 4, zeros.data(), static_cast<size_t>(p.extent) * 4);
  context.add_packed(std::move(block));
  context.drop_constant_input(1);
  if (zero != nullptr) context.drop_constant_input(2);
  context.set(function, p, std::move(name));
  return true;
}

// --- DynamicQuantizeLinear ---------------------------------------------------------------------------------------------------------

void run_dynamic(const StepArguments& step) {
  DynamicQuantization q = step.params<DynamicQuantizer>().run(static_cast<const float*>(step.inputs[0]), static_cast<uint8_t*>(step.outputs[0]),
                                                              static_cast<std::byte*>(step.scratch), *step.pool);
  if (step.outputs[1] != nullptr) *static_cast<float*>(step.outputs[1]) = q.scale;
  if (step.outputs[2] != nullptr) *static_cast<uint8_t*>(step.outputs[2]) = static_cast<uint8_t>(q.zero_point);
}

constexpr StepFunction kDynamic = {"dynamic_quantize", run_dynamic};

// --- tables --------------------------------------------------------------------------------------------------------------------------

struct TableParameters {
  const kernels::table_u8::Kernel* kernel;
  int64_t elements;
  uint8_t table[256];
};

void run_table(const StepArguments& step) {
  const auto& p = step.params<TableParameters>();
  const auto* x = static_cast<const uint8_t*>(step.inputs[0]);
  auto* y = static_cast<uint8_t*>(step.outputs[0]);
  step.pool->parallel_for(p.elements, kGrain, [&](int64_t begin, int64_t end, int) { p.kernel->run(x + begin, y + begin, end - begin, p.table); });
}

constexpr StepFunction kTable = {"table", run_table};

}  // namespace

bool bind_quantize(BindContext& context) {
  const Node& node = context.node();
  if (!quantize_types(node)) return false;
  std::string name = std::string("quantize/") + kernels::quantize::select(context.isa()).name;
  if (context.layout(0) == context.output_layout()) return bind(context, kQuantize, node.outputs[0]->dtype, std::move(name));
  if (!quantize_reorders(node)) return false;
  Parameters p{};
  select_kernels(p, context.isa());
  p.is_signed = node.outputs[0]->dtype == DType::kInt8;
  p.has_zero = context.has_input(2);
  if (p.is_signed) p.range = {-128, 127};
  const Shape& shape = context.shape(0);
  p.outer = shape[0], p.channels = shape[1], p.pixels = shape.elements(2, shape.rank());
  context.set(kQuantizeReorder, p, std::move(name));
  return true;
}

bool quantize_reorders(const Node& node) {
  const Shape& shape = *node.inputs[0]->shape;
  return quantize_types(node) && per_tensor(node) && shape.is_concrete() && shape.rank() >= 3;
}

bool bind_dequantize(BindContext& context) {
  const Node& node = context.node();
  if (!dequantize_types(node)) return false;
  return bind(context, kDequantize, node.inputs[0]->dtype, std::string("dequantize/") + kernels::dequantize::select(context.isa()).name);
}

LayoutSupport quantize_layout(const Node& node) {
  return quantize_types(node) && per_tensor(node) ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}
LayoutSupport dequantize_layout(const Node& node) {
  return dequantize_types(node) && per_tensor(node) && node.inputs[0]->dtype != DType::kInt32 ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

bool bind_dynamic_quantize(BindContext& context) {
  if (context.dtype(0) != DType::kFloat32) return false;
  context.set_scratch_bytes(static_cast<int64_t>(DynamicQuantizer::scratch_bytes(context.threads())));
  context.set(kDynamic, DynamicQuantizer::make(context.shape(0).elements(), context.isa()), std::string("quantize/") + kernels::quantize::select(context.isa()).name);
  return true;
}

LayoutSupport dynamic_quantize_layout(const Node& node) {
  return node.inputs[0]->dtype == DType::kFloat32 ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

void bind_table(BindContext& context, const uint8_t* table) {
  TableParameters p{};
  p.kernel = kernels::table_u8::select(context.isa()).kernel;
  p.elements = context.shape(0).elements();
  std::memcpy(p.table, table, 256);
  context.allow_in_place(0);
  context.set(kTable, p, std::string("table_u8/") + kernels::table_u8::select(context.isa()).name);
}

}  // namespace octet::ops
