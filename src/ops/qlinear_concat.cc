// QLinearConcat and QLinearWhere of ONNX Runtime: 8-bit tensors brought to one scale on the way.
#include <cstring>

#include "base/thread_pool.h"
#include "kernels/table_u8/table_u8.h"
#include "ops/axes.h"
#include "ops/broadcast.h"
#include "ops/requantize_table.h"

namespace octet::ops {

namespace {

// Inputs: y scale, y zero point, then tensor, scale and zero point of each part.
size_t parts(size_t inputs) { return (inputs - 2) / 3; }

void infer_concat(InferContext& context) {
  require(context.inputs() >= 5 && (context.inputs() - 2) % 3 == 0, ErrorCode::kInvalidModel, "QLinearConcat has ", context.inputs(), " inputs");
  DType dtype = context.dtype(1);
  for (size_t i = 0; i < parts(context.inputs()); ++i)
    require(dtype_bits(context.dtype(2 + 3 * i)) == 8 || context.dtype(2 + 3 * i) == DType::kUndefined, ErrorCode::kUnsupported,
            "input ", 2 + 3 * i, " must hold 8-bit values, not ", context.dtype(2 + 3 * i));
  std::optional<Shape> joined;
  for (size_t i = 0; i < parts(context.inputs()); ++i) {
    if (!context.has_rank(2 + 3 * i)) return context.set_output_rank_unknown(0, dtype);
    const Shape& shape = context.shape(2 + 3 * i);
    int axis = normalize_axis(context.attributes().integer("axis"), shape.rank());
    if (!joined) {
      joined = shape;
      continue;
    }
    require(joined->rank() == shape.rank(), ErrorCode::kShapeMismatch, "shapes ", *joined, " and ", shape, " cannot be joined");
    for (int k = 0; k < shape.rank(); ++k) {
      int64_t& extent = (*joined)[k];
      extent = k != axis ? same_extent(extent, shape[k], "the extents of the parts") : extent < 0 || shape[k] < 0 ? Shape::kUnknown : extent + shape[k];
    }
  }
  context.set_output(0, dtype, *joined);
}

void evaluate_concat(EvaluateContext& context) {
  require(context.inputs() >= 5 && (context.inputs() - 2) % 3 == 0, ErrorCode::kInvalidModel, "QLinearConcat has ", context.inputs(), " inputs");
  DType dtype = context.input(1).dtype();
  ByteScale y_scale = byte_scale(context, 0, 1, dtype);
  Shape shape = context.input(2).shape();
  int axis = normalize_axis(context.attributes().integer("axis"), shape.rank());
  for (size_t i = 1; i < parts(context.inputs()); ++i) {
    const Shape& part = context.input(2 + 3 * i).shape();
    require(part.rank() == shape.rank(), ErrorCode::kShapeMismatch, "shapes ", shape, " and ", part, " cannot be joined");
    for (int k = 0; k < shape.rank(); ++k)
      require(k == axis || part[k] == shape[k], ErrorCode::kShapeMismatch, "shapes ", shape, " and ", part, " cannot be joined");
    shape[axis] += part[axis];
  }
  uint8_t* y = static_cast<uint8_t*>(context.output(0, dtype, shape).raw());
  int64_t outer = shape.elements(0, axis), row = shape.elements(axis, shape.rank()), offset = 0;
  for (size_t i = 0; i < parts(context.inputs()); ++i) {
    const Tensor& x = context.input(2 + 3 * i);
    auto table = requantize_table(byte_scale(context, 3 + 3 * i, 4 + 3 * i, x.dtype()), y_scale);
    const uint8_t* from = static_cast<const uint8_t*>(x.raw());
    int64_t length = x.shape().elements(axis, x.shape().rank());
    for (int64_t n = 0; n < outer; ++n)
      for (int64_t k = 0; k < length; ++k) y[n * row + offset + k] = table[from[n * length + k]];
    offset += length;
  }
}

// One part of the joined tensor, seen as [outer][row]: its share of a row begins at `offset`.
struct ConcatPart {
  int input;
  int64_t offset, length;
  uint8_t table[256];
};
constexpr size_t kMostParts = 16;
struct ConcatParameters {
  const kernels::table_u8::Kernel* kernel;
  int64_t outer, row;
  size_t count;
  ConcatPart parts[kMostParts];
};

void run_concat(const StepArguments& args) {
  const auto& p = args.params<ConcatParameters>();
  auto* y = static_cast<uint8_t*>(args.outputs[0]);
  args.pool->parallel_for(p.outer, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, p.row)), [&](int64_t begin, int64_t end, int) {
    for (size_t i = 0; i < p.count; ++i) {
      const ConcatPart& part = p.parts[i];
      const auto* x = static_cast<const uint8_t*>(args.inputs[part.input]);
      for (int64_t n = begin; n < end; ++n) p.kernel->run(x + n * part.length, y + n * p.row + part.offset, part.length, part.table);
    }
  });
}

constexpr StepFunction kConcat = {"qlinear_concat", run_concat};

bool concat_fits(const Node& node) {
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if ((i < 2 || (i - 2) % 3 != 0) && (node.inputs[i] == nullptr || !node.inputs[i]->is_constant() || node.inputs[i]->shape->elements() != 1)) return false;
  return parts(node.inputs.size()) <= kMostParts;
}

LayoutSupport concat_layout(const Node& node) { return concat_fits(node) ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly; }

bool bind_concat(BindContext& context) {
  const Node& node = context.node();
  if (!concat_fits(node)) return false;
  int rank = context.output_shape().rank(), axis = normalize_axis(node.attributes.integer("axis"), rank);
  // In channels-last order axis 1 is the last one, and those behind it move forward.
  if (context.output_layout() == Layout::kChannelsLast) axis = axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
  Shape y = context.stored_output_shape();
  ConcatParameters p{};
  p.kernel = kernels::table_u8::select(context.isa()).kernel;
  p.outer = y.elements(0, axis);
  p.row = y.elements(axis, rank);
  auto side = [&](size_t scale, size_t zero, DType dtype) { return ByteScale{Reader<float>(*context.constant(scale))[0], Reader<int32_t>(*context.constant(zero))[0], dtype}; };
  ByteScale to = side(0, 1, node.outputs[0]->dtype);
  int64_t offset = 0;
  for (size_t i = 0; i < parts(node.inputs.size()); ++i) {
    ConcatPart& part = p.parts[p.count++];
    part.input = static_cast<int>(2 + 3 * i);
    part.offset = offset;
    part.length = context.stored_shape(2 + 3 * i).elements(axis, rank);
    auto table = requantize_table(side(3 + 3 * i, 4 + 3 * i, context.dtype(2 + 3 * i)), to);
    std::copy(table.begin(), table.end(), part.table);
    offset += part.length;
    context.drop_constant_input(3 + 3 * i);
    context.drop_constant_input(4 + 3 * i);
  }
  context.drop_constant_input(0);
  context.drop_constant_input(1);
  context.set(kConcat, p, std::string("table_u8/") + kernels::table_u8::select(context.isa()).name);
  return true;
}

enum Where : size_t { kCondition, kX, kXScale, kXZero, kY, kYScale, kYZero, kZScale, kZZero };

void infer_where(InferContext& context) {
  infer_broadcast(context, context.dtype(kX), kCondition, kX);
  if (context.node().outputs[0] == nullptr) return;
  const std::optional<Shape>& shape = context.node().outputs[0]->shape;
  if (shape && context.has_rank(kY)) context.set_output(0, context.dtype(kX), broadcast(*shape, context.shape(kY)));
  else context.set_output_rank_unknown(0, context.dtype(kX));
}

void evaluate_where(EvaluateContext& context) {
  const Tensor &condition = context.input(kCondition), &x = context.input(kX), &y = context.input(kY);
  require(condition.dtype() == DType::kBool, ErrorCode::kShapeMismatch, "the condition must be bool, not ", condition.dtype());
  ByteScale z_scale = byte_scale(context, kZScale, kZZero, x.dtype());
  auto x_table = requantize_table(byte_scale(context, kXScale, kXZero, x.dtype()), z_scale);
  auto y_table = requantize_table(byte_scale(context, kYScale, kYZero, y.dtype()), z_scale);
  Shape shape = broadcast(broadcast(condition.shape(), x.shape()), y.shape());
  auto loop = broadcast_loop<4>(shape, {&condition.shape(), &x.shape(), &y.shape()});
  uint8_t* z = static_cast<uint8_t*>(context.output(0, x.dtype(), shape).raw());
  const uint8_t *c = static_cast<const uint8_t*>(condition.raw()), *a = static_cast<const uint8_t*>(x.raw()), *b = static_cast<const uint8_t*>(y.raw());
  loop.run(0, loop.rows(), [&](const int64_t(&o)[4]) {
    for (int64_t i = 0; i < loop.inner(); ++i)
      z[o[0] + i * loop.inner_stride(0)] = c[o[1] + i * loop.inner_stride(1)] != 0 ? x_table[a[o[2] + i * loop.inner_stride(2)]]
                                                                                  : y_table[b[o[3] + i * loop.inner_stride(3)]];
  });
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "QLinearConcat", .min_inputs = 5, .max_inputs = kVariadic, .infer = infer_concat,
     .evaluate = evaluate_concat, .bind = bind_concat, .layout = concat_layout},
    {.domain = "com.microsoft", .name = "QLinearWhere", .min_inputs = 9, .max_inputs = 9, .infer = infer_where, .evaluate = evaluate_where},
};

}  // namespace

std::span<const OperatorDef> qlinear_concat_operators() { return definitions; }

}  // namespace octet::ops
