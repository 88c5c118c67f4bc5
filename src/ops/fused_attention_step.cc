// How octet.FusedAttention runs: head after head, block of rows after block of rows. The scores of a block, its probabilities and the
// packed K and V of the head stay in the caches; nothing of the size rows × keys goes through memory. (The blocks take whole rows of
// scores, so the softmax is the plain one: no online rescaling, which would change its bits.)
#include <cstring>

#include "base/thread_pool.h"
#include "kernels/conv/conv_f32.h"
#include "kernels/conv/conv_int8.h"
#include "ops/bind_geometry.h"
#include "ops/fused_attention.h"
#include "ops/numeric.h"

namespace octet::ops {

namespace {

using namespace kernels;

constexpr int64_t kRowsAtOnce = 32;

// A product for blocks of full height, and for what is left at the end.
template <typename Product>
struct Blocks {
  Product full, rest;
  const Product& of(int64_t rows, int64_t block) const { return rows == block ? full : rest; }
  size_t scratch_bytes() const { return std::max(full.scratch_bytes, rest.scratch_bytes); }
};

struct Parameters {
  int64_t batch, heads, rows, keys, depth, value_depth;
  HeadView q, k, v, addend, y;
  int64_t block;                        // rows at once
  int64_t parts;                        // into which the rows of a head are cut, so that all threads have something
  int64_t score_stride, byte_stride;    // from row to row of the scores and of the quantized probabilities
  bool quantized, bytes_out, has_addend;
  const attention_rows::Kernel* kernel;
  attention_rows::Params row_params;
  Blocks<ConvInt8> scores8, values8;
  Blocks<ConvF32> scores32, values32;
  bool q_signed, k_unsigned, v_unsigned, p_signed;
  int32_t zero_points[5];
  int32_t minimum, maximum;
  // Scratch of one worker.
  int64_t values_offset, rows_offset, bytes_offset, sums_offset, products_offset, worker_bytes;
};

template <typename Product>
Product prepare(const ConvShape& shape, bool input_signed, Isa isa) {
  if constexpr (std::is_same_v<Product, ConvInt8>) return prepare_conv_int8(shape, input_signed, isa);
  else return prepare_conv_f32(shape, isa);
}

// The kernel that suits whole blocks does the rest as well: the two share what is packed.
template <typename Product>
void prepare_blocks(Blocks<Product>& blocks, int64_t block, int64_t rest, int64_t n, int64_t k, int64_t a_stride, int64_t c_stride, bool input_signed, Isa isa) {
  blocks.full = prepare<Product>(gemm_shape(block, n, k, a_stride, c_stride), input_signed, isa);
  const ConvShape shape = gemm_shape(rest, n, k, a_stride, c_stride);
  if constexpr (std::is_same_v<Product, ConvInt8>) blocks.rest = prepare_conv_int8(shape, input_signed, *blocks.full.kernel, false, *blocks.full.pack);
  else blocks.rest = prepare_conv_f32(shape, *blocks.full.kernel);
}

void prepare_products(Parameters& p, Isa isa) {
  p.kernel = attention_rows::select(isa).kernel;
  const int64_t rest = p.rows % p.block == 0 ? p.block : p.rows % p.block;
  if (p.quantized) {
    prepare_blocks(p.scores8, p.block, rest, p.keys, p.depth, p.q.row, p.score_stride, p.q_signed, isa);
    prepare_blocks(p.values8, p.block, rest, p.value_depth, p.keys, p.byte_stride, p.y.row, p.p_signed, isa);
  } else {
    prepare_blocks(p.scores32, p.block, rest, p.keys, p.depth, p.q.row, p.score_stride, false, isa);
    prepare_blocks(p.values32, p.block, rest, p.value_depth, p.keys, p.score_stride, p.y.row, false, isa);
  }
}

// packed[0]: for every key its zero point and multiplier, then for every column of V the same.
struct Columns {
  const int32_t *key_zeros, *value_zeros;
  const float *key_multipliers, *value_multipliers;
  Columns(const Parameters& p, const void* packed) {
    const auto* at = static_cast<const std::byte*>(packed);
    key_zeros = reinterpret_cast<const int32_t*>(at);
    key_multipliers = reinterpret_cast<const float*>(at + p.keys * 4);
    value_zeros = reinterpret_cast<const int32_t*>(at + p.keys * 8);
    value_multipliers = reinterpret_cast<const float*>(at + p.keys * 8 + p.value_depth * 4);
  }
};

struct Task {
  int64_t b, h, first, end;   // rows
};

attention_rows::Params row_params(const Parameters& p, const StepArguments& step, const Task& task, int64_t row) {
  attention_rows::Params params = p.row_params;
  if (p.has_addend) {
    params.addend = static_cast<const float*>(step.inputs[3]) + p.addend.at(task.b, task.h, row);
    params.addend_stride = p.addend.row;
  }
  return params;
}

void run_bytes(const Parameters& p, const StepArguments& step, const Task& task, std::byte* memory) {
  const Columns columns(p, step.packed[0]);
  const auto *q = static_cast<const uint8_t*>(step.inputs[0]), *k = static_cast<const uint8_t*>(step.inputs[1]), *v = static_cast<const uint8_t*>(step.inputs[2]);
  auto* scores = reinterpret_cast<float*>(memory + p.rows_offset);
  auto* bytes = reinterpret_cast<uint8_t*>(memory + p.bytes_offset);
  auto* sums = reinterpret_cast<int32_t*>(memory + p.sums_offset);
  Int8Weights right;
  right.data = k + p.k.at(task.b, task.h, 0);
  right.is_unsigned = p.k_unsigned;
  right.strides = {0, p.k.row, p.k.column, 0, 0};
  right.zero_points = columns.key_zeros;
  right.multiplier = columns.key_multipliers;
  right.input_zero_point = p.zero_points[kQ];
  pack_conv_int8(p.scores8.full, right, memory);
  right.data = v + p.v.at(task.b, task.h, 0);
  right.is_unsigned = p.v_unsigned;
  right.strides = {0, p.v.column, p.v.row, 0, 0};
  right.zero_points = columns.value_zeros;
  right.multiplier = columns.value_multipliers;
  right.input_zero_point = p.zero_points[kP];
  pack_conv_int8(p.values8.full, right, memory + p.values_offset);
  for (int64_t row = task.first; row < task.end; row += p.block) {
    const int64_t rows = std::min(p.block, task.end - row);
    ConvInt8Args args;
    args.input = q + p.q.at(task.b, task.h, row);
    args.input_zero_point = p.zero_points[kQ];
    args.packed = memory;
    args.output = scores;
    args.output_kind = Int8Output::kFloat32;
    const ConvInt8& product = p.scores8.of(rows, p.block);
    run_conv_int8(product, args, 0, product.tasks, memory + p.products_offset);
    p.kernel->bytes(row_params(p, step, task, row), scores, bytes, rows, p.keys, p.score_stride, p.byte_stride, sums);
    ConvInt8Args out;
    out.input = bytes;
    out.input_zero_point = p.zero_points[kP];
    out.packed = memory + p.values_offset;
    out.row_sums = sums;
    out.output_kind = p.bytes_out ? Int8Output::kByte : Int8Output::kFloat32;
    out.output_zero_point = p.zero_points[kY];
    out.minimum = p.minimum, out.maximum = p.maximum;
    out.output = static_cast<std::byte*>(step.outputs[0]) + p.y.at(task.b, task.h, row) * (p.bytes_out ? 1 : 4);
    const ConvInt8& second = p.values8.of(rows, p.block);
    run_conv_int8(second, out, 0, second.tasks, memory + p.products_offset);
  }
}

void run_floats(const Parameters& p, const StepArguments& step, const Task& task, std::byte* memory) {
  const auto *q = static_cast<const float*>(step.inputs[0]), *k = static_cast<const float*>(step.inputs[1]), *v = static_cast<const float*>(step.inputs[2]);
  auto* scores = reinterpret_cast<float*>(memory + p.rows_offset);
  pack_conv_f32(p.scores32.full, k + p.k.at(task.b, task.h, 0), {0, p.k.row, p.k.column, 0, 0}, nullptr, memory);
  pack_conv_f32(p.values32.full, v + p.v.at(task.b, task.h, 0), {0, p.v.column, p.v.row, 0, 0}, nullptr, memory + p.values_offset);
  for (int64_t row = task.first; row < task.end; row += p.block) {
    const int64_t rows = std::min(p.block, task.end - row);
    ConvF32Args args;
    args.input = q + p.q.at(task.b, task.h, row);
    args.packed = memory;
    args.output = scores;
    const ConvF32& product = p.scores32.of(rows, p.block);
    run_conv_f32(product, args, 0, product.tasks, memory + p.products_offset);
    p.kernel->floats(row_params(p, step, task, row), scores, rows, p.keys, p.score_stride);
    ConvF32Args out;
    out.input = scores;
    out.packed = memory + p.values_offset;
    out.output = static_cast<float*>(step.outputs[0]) + p.y.at(task.b, task.h, row);
    const ConvF32& second = p.values32.of(rows, p.block);
    run_conv_f32(second, out, 0, second.tasks, memory + p.products_offset);
  }
}

void run(const StepArguments& step) {
  const auto& p = step.params<Parameters>();
  const int64_t blocks = (p.rows + p.block - 1) / p.block;
  step.pool->parallel_for(p.batch * p.heads * p.parts, 1, [&](int64_t begin, int64_t end, int worker) {
    std::byte* memory = static_cast<std::byte*>(step.scratch) + worker * p.worker_bytes;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t part = i % p.parts, head = i / p.parts;
      const Task task{head / p.heads, head % p.heads, blocks * part / p.parts * p.block, std::min(p.rows, blocks * (part + 1) / p.parts * p.block)};
      if (p.quantized) run_bytes(p, step, task, memory);
      else run_floats(p, step, task, memory);
    }
  });
}

constexpr StepFunction kStep = {"fused_attention", run};

}  // namespace

bool bind_fused_attention(BindContext& context) {
  const FusedAttention a = read_fused_attention(context.attributes());
  Parameters p{};
  p.batch = a.batch, p.heads = a.heads, p.rows = a.rows, p.keys = a.keys, p.depth = a.depth, p.value_depth = a.value_depth;
  if (a.batch * a.heads <= 0 || a.rows <= 0 || a.keys <= 0 || a.depth <= 0 || a.value_depth <= 0) return false;
  p.q = a.q, p.k = a.k, p.v = a.v, p.addend = a.addend, p.y = a.y;
  p.quantized = a.quantized;
  p.bytes_out = a.y_type != DType::kFloat32;
  p.has_addend = context.has_input(3);
  p.row_params.scaling = a.scaling, p.row_params.factor = a.factor;
  // Blocks of whole tiles.
  const int64_t step = a.quantized ? prepare_conv_int8(gemm_shape(a.rows, a.keys, a.depth), false, context.isa()).kernel->m_step
                                   : prepare_conv_f32(gemm_shape(a.rows, a.keys, a.depth), context.isa()).kernel->m_step;
  p.block = std::min(a.rows, std::max<int64_t>(1, (kRowsAtOnce + step / 2) / step) * step);
  p.parts = a.batch * a.heads >= context.threads() ? 1 : std::min<int64_t>(context.threads(), (a.rows + p.block - 1) / p.block);
  p.score_stride = round_up(a.keys, 16);
  p.byte_stride = round_up(a.keys, 64);
  if (a.quantized) {
    p.q_signed = context.dtype(0) == DType::kInt8;
    p.k_unsigned = context.dtype(1) == DType::kUInt8;
    p.v_unsigned = context.dtype(2) == DType::kUInt8;
    p.p_signed = a.probabilities_signed;
    for (size_t i = 0; i < 5; ++i) p.zero_points[i] = static_cast<int32_t>(a.zero_points[i]);
    const Range range = integer_range(a.probabilities_signed ? DType::kInt8 : DType::kUInt8);
    p.row_params.scale = a.scales[kP];
    p.row_params.zero_point = p.zero_points[kP];
    p.row_params.low = static_cast<int32_t>(range.low), p.row_params.high = static_cast<int32_t>(range.high);
    if (p.bytes_out) {
      const Range y = integer_range(a.y_type);
      p.minimum = static_cast<int32_t>(y.low), p.maximum = static_cast<int32_t>(y.high);
    }
    Tensor columns(DType::kUInt8, Shape{(a.keys + a.value_depth) * 8});
    auto* at = static_cast<std::byte*>(columns.raw());
    auto fill = [&](const auto& value, int64_t count) {
      for (int64_t i = 0; i < count; ++i, at += 4) std::memcpy(at, &value, 4);
    };
    fill(p.zero_points[kK], a.keys);
    fill(a.scales[kK] * a.scales[kQ], a.keys);
    fill(p.zero_points[kV], a.value_depth);
    const float multiplier = p.bytes_out ? a.scales[kP] * a.scales[kV] / a.scales[kY] : a.scales[kV] * a.scales[kP];
    fill(multiplier, a.value_depth);
    context.add_packed(std::move(columns));
  }
  prepare_products(p, context.isa());
  auto places = [&](const auto& scores, const auto& values) {
    p.values_offset = per_worker(scores.full.packed_bytes);
    p.rows_offset = p.values_offset + per_worker(values.full.packed_bytes);
    p.bytes_offset = p.rows_offset + p.block * p.score_stride * 4;
    p.sums_offset = p.bytes_offset + (p.quantized ? p.block * p.byte_stride + 64 : 0);
    p.products_offset = p.sums_offset + per_worker(static_cast<size_t>(p.block) * 4);
    p.worker_bytes = p.products_offset + per_worker(std::max(scores.scratch_bytes(), values.scratch_bytes()));
  };
  if (p.quantized) places(p.scores8, p.values8);
  else places(p.scores32, p.values32);
  context.set_scratch_bytes(p.worker_bytes * context.threads());
  context.set(kStep, p, p.quantized ? std::string("gemm_int8/") + name_of(gemm_int8::entries(), p.scores8.full.kernel)
                                    : std::string("gemm_f32/") + name_of(gemm_f32::entries(), p.scores32.full.kernel));
  return true;
}

}  // namespace octet::ops
