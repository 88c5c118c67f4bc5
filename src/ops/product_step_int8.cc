#include "kernels/conv/conv_int8.h"
#include "ops/dynamic_quantizer.h"
#include "ops/product_step.h"
#include "ops/product_walk.h"

namespace octet::ops {

namespace {

using namespace kernels;

struct Parameters {
  ConvInt8 op;
  ProductWalk walk;
  bool packed;                  // the right side lies in packed[1], one block of packed_stride bytes per matrix
  int64_t packed_stride, matrix_elements;
  int a, b;                     // inputs by index
  bool a_signed, b_unsigned;
  // Vectors over columns, in packed[0] (unless `packed`) in this order where they are there: zero points, bias, multiplier, float bias.
  bool has_zero_points, has_bias, has_multiplier, has_float_bias;
  Int8Output output_kind;
  int32_t a_zero, y_zero, minimum, maximum;
  float a_scale;
  int a_scale_input, a_zero_input;   // read at run time; -1: a_scale, a_zero hold
  // Dynamic quantization of A, which begins the scratch.
  bool dynamic;
  DynamicQuantizer quantizer;
  int64_t quantizer_offset, walk_offset;
};

void run(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  auto* scratch = static_cast<std::byte*>(step.scratch);
  const uint8_t* a = static_cast<const uint8_t*>(step.inputs[p.a]);
  int32_t a_zero = p.a_zero;
  float a_scale = p.a_scale;
  if (p.dynamic) {
    DynamicQuantization q = p.quantizer.run(static_cast<const float*>(step.inputs[p.a]), reinterpret_cast<uint8_t*>(scratch),
                                            scratch + p.quantizer_offset, *step.pool);
    a = reinterpret_cast<const uint8_t*>(scratch);
    a_zero = q.zero_point;
    a_scale = q.scale;
  }
  if (p.a_scale_input >= 0) a_scale = a_scale * *static_cast<const float*>(step.inputs[p.a_scale_input]);
  if (p.a_zero_input >= 0)
    a_zero = p.a_signed ? static_cast<int32_t>(*static_cast<const int8_t*>(step.inputs[p.a_zero_input]))
                        : static_cast<int32_t>(*static_cast<const uint8_t*>(step.inputs[p.a_zero_input]));
  int64_t output_bytes = p.output_kind == Int8Output::kByte ? 1 : 4;
  walk_product(
      p.walk, p.op.tasks, grain_conv_int8(p.op, step.pool->threads()), *step.pool, scratch + p.walk_offset,
      [&](int64_t batch, std::byte* memory) -> const void* {
        if (p.packed) return static_cast<const std::byte*>(step.packed[1]) + p.walk.b_offset(batch) / p.matrix_elements * p.packed_stride;
        const auto* column = static_cast<const std::byte*>(step.packed[0]);
        auto next = [&](bool there) {
          const std::byte* here = column;
          if (there) column += p.walk.n * 4;
          return there ? here : nullptr;
        };
        Int8Weights weights;
        weights.data = static_cast<const uint8_t*>(step.inputs[p.b]) + p.walk.b_offset(batch);
        weights.is_unsigned = p.b_unsigned;
        weights.strides = p.walk.b_layout;
        weights.zero_points = reinterpret_cast<const int32_t*>(next(p.has_zero_points));
        weights.bias = reinterpret_cast<const int32_t*>(next(p.has_bias));
        weights.multiplier = reinterpret_cast<const float*>(next(p.has_multiplier));
        weights.float_bias = reinterpret_cast<const float*>(next(p.has_float_bias));
        weights.input_zero_point = a_zero;
        pack_conv_int8(p.op, weights, memory);
        return memory;
      },
      [&](int64_t batch, int64_t begin, int64_t end, const void* packed, std::byte* own) {
        ConvInt8Args args;
        args.input = a + p.walk.a_offset(batch);
        args.input_zero_point = a_zero;
        args.input_scale = a_scale;
        args.packed = packed;
        args.output = static_cast<std::byte*>(step.outputs[0]) + batch * p.walk.m * p.walk.n * output_bytes;
        args.output_kind = p.output_kind;
        args.output_zero_point = p.y_zero;
        args.minimum = p.minimum;
        args.maximum = p.maximum;
        run_conv_int8(p.op, args, begin, end, own);
      });
}

constexpr StepFunction kStep = {"matrix_product_int8", run};

bool is_one(const Node& node, size_t i) { return node.input(i) == nullptr || node.inputs[i]->shape->elements() == 1; }

// Whether a constant gives one value per column, or one for all; true when it is absent.
bool fits_columns(const BindContext& context, size_t i, int64_t count) {
  const Tensor* tensor = context.constant(i);
  if (tensor == nullptr) return true;
  int64_t values = tensor->elements();
  return values == 1 || (values == count && tensor->shape()[tensor->shape().rank() - 1] == count);
}

// What the sums of each column are turned into results with, from constants that fit; empty where absent. Only packing reads these values.
struct Columns {
  std::vector<int32_t> zero_points, bias;
  std::vector<float> multiplier, float_bias;

  Columns(const BindContext& context, const IntegerProductForm& form, const Parameters& step, int64_t count, float a_scale) {
    if (step.has_zero_points) read(context, form.b_zero, count, zero_points);
    if (step.has_multiplier) read(context, form.b_scale, count, multiplier);
    if (step.has_bias) read(context, form.bias, count, bias);
    if (step.has_float_bias) read(context, form.bias, count, float_bias);
    if (step.output_kind != Int8Output::kByte) return;
    float y_scale = Reader<float>(*context.constant(form.y_scale))[0];
    for (float& m : multiplier) m = a_scale * m / y_scale;
    for (float& b : float_bias) b = b / y_scale;
  }

  // As Parameters describes packed[0].
  Tensor block() const {
    std::vector<std::byte> columns;
    append(columns, zero_points), append(columns, bias), append(columns, multiplier), append(columns, float_bias);
    Tensor block(DType::kUInt8, Shape{static_cast<int64_t>(columns.size())});
    if (!columns.empty()) std::memcpy(block.raw(), columns.data(), columns.size());
    return block;
  }

 private:
  template <typename T>
  static void read(const BindContext& context, size_t i, int64_t count, std::vector<T>& out) {
    Reader<T> values(*context.constant(i));
    out.resize(static_cast<size_t>(count));
    for (int64_t j = 0; j < count; ++j) out[static_cast<size_t>(j)] = values[values.size() == 1 ? 0 : j];
  }
  template <typename T>
  static void append(std::vector<std::byte>& block, const std::vector<T>& values) {
    static_assert(sizeof(T) == 4);
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
    block.insert(block.end(), bytes, bytes + values.size() * 4);
  }
};

}  // namespace

bool bind_product_int8(BindContext& context, const IntegerProductForm& form) {
  const Node& node = context.node();
  for (const Value* value : node.inputs)
    if (value != nullptr && value->layout != Layout::kOnnx) return false;
  if (context.output_layout() != Layout::kOnnx) return false;
  for (size_t i : {form.b_scale, form.b_zero, form.bias, form.y_scale, form.y_zero})
    if (!is_constant_or_absent(node, i)) return false;
  for (size_t i : {form.a_scale, form.a_zero, form.y_scale, form.y_zero})
    if (!is_one(node, i)) return false;
  bool byte_output = context.has_input(form.y_scale), has_scale = context.has_input(form.b_scale);
  // The multiplier of a quantized output is made here.
  if (byte_output && !(is_constant_or_absent(node, form.a_scale) && is_constant_or_absent(node, form.a_zero))) return false;
  Transposed ta{form.gemm && node.attributes.integer("transA", 0) != 0, false}, tb{form.gemm && node.attributes.integer("transB", 0) != 0, false};
  MatrixProduct p = plan_matrix_product(context.shape(form.a), context.shape(form.b), ta, tb);
  Parameters step{};
  ConvShape shape;
  if (!make_walk(p, context.shape(form.a), step.walk, shape)) return false;

  for (size_t i : {form.b_zero, form.b_scale, form.bias})
    if (!fits_columns(context, i, p.n)) return false;
  step.has_zero_points = p.n > 0 && context.has_input(form.b_zero), step.has_multiplier = p.n > 0 && has_scale;
  step.has_bias = p.n > 0 && context.has_input(form.bias) && context.dtype(form.bias) == DType::kInt32;
  step.has_float_bias = p.n > 0 && context.has_input(form.bias) && !step.has_bias;
  step.packed = context.constant(form.b) != nullptr;
  step.a = static_cast<int>(form.a), step.b = static_cast<int>(form.b);
  step.a_signed = context.dtype(form.a) == DType::kInt8;
  step.b_unsigned = context.dtype(form.b) == DType::kUInt8;
  step.a_scale = form.gemm ? node.attributes.real("alpha", 1.0f) : 1.0f;
  step.a_scale_input = step.a_zero_input = -1;
  if (const Tensor* scale = context.constant(form.a_scale)) {
    float value = Reader<float>(*scale)[0];
    step.a_scale = step.a_scale == 1.0f ? value : step.a_scale * value;
  } else if (context.has_input(form.a_scale)) {
    step.a_scale_input = static_cast<int>(form.a_scale);
  }
  if (const Tensor* zero = context.constant(form.a_zero)) step.a_zero = Reader<int32_t>(*zero)[0];
  else if (context.has_input(form.a_zero)) step.a_zero_input = static_cast<int>(form.a_zero);
  step.output_kind = !has_scale ? Int8Output::kInt32 : byte_output ? Int8Output::kByte : Int8Output::kFloat32;
  const float a_scale = step.a_scale;
  if (byte_output) {
    step.a_scale = 1;   // the columns' multipliers hold it
    if (context.has_input(form.y_zero)) step.y_zero = Reader<int32_t>(*context.constant(form.y_zero))[0];
    Range range = clamped_range(node, node.outputs[0]->dtype);
    step.minimum = static_cast<int32_t>(range.low), step.maximum = static_cast<int32_t>(range.high);
  }
  step.op = prepare_conv_int8(shape, step.a_signed, context.isa());
  step.packed_stride = per_worker(step.op.packed_bytes);
  step.matrix_elements = p.k * p.n;

  auto columns = [&] { return Columns(context, form, step, p.n, a_scale); };
  context.add_packed(step.packed ? Tensor(DType::kUInt8, Shape{0}) : columns().block());
  if (step.packed) {
    const Tensor& b = *context.raw_constant(form.b);
    int64_t matrices = b.elements() / step.matrix_elements;
    context.pack(static_cast<size_t>(matrices * step.packed_stride), [&](void* block) {
      const Columns vectors = columns();
      Int8Weights weights;
      weights.is_unsigned = step.b_unsigned;
      weights.strides = step.walk.b_layout;
      if (step.has_zero_points) weights.zero_points = vectors.zero_points.data();
      if (step.has_bias) weights.bias = vectors.bias.data();
      if (step.has_multiplier) weights.multiplier = vectors.multiplier.data();
      if (step.has_float_bias) weights.float_bias = vectors.float_bias.data();
      weights.input_zero_point = step.a_zero;
      for (int64_t i = 0; i < matrices; ++i) {
        weights.data = static_cast<const uint8_t*>(b.raw()) + i * step.matrix_elements;
        pack_conv_int8(step.op, weights, static_cast<std::byte*>(block) + i * step.packed_stride);
      }
    });
    context.drop_packed_input(form.b);
  } else {
    step.walk.packed_bytes = step.packed_stride;
  }
  for (size_t i : {form.a_scale, form.a_zero, form.b_scale, form.b_zero, form.bias, form.y_scale, form.y_zero})
    if (context.constant(i) != nullptr) context.drop_constant_input(i);
  step.dynamic = form.dynamic;
  if (form.dynamic) {
    step.quantizer = DynamicQuantizer::make(context.shape(form.a).elements(), context.isa());
    step.quantizer_offset = per_worker(static_cast<size_t>(step.quantizer.elements) + 64);   // rows may be read a little beyond their end
    step.walk_offset = step.quantizer_offset + static_cast<int64_t>(DynamicQuantizer::scratch_bytes(context.threads()));
  }
  step.walk.worker_bytes = step.walk.packed_bytes + per_worker(step.op.scratch_bytes);
  context.set_scratch_bytes(step.walk_offset + step.walk.worker_bytes * context.threads());
  context.set(kStep, step, std::string("gemm_int8/") + name_of(gemm_int8::entries(), step.op.kernel));
  return true;
}

}  // namespace octet::ops
