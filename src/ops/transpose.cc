// Transpose: axis i of the output is axis perm[i] of the input; without perm the axes are reversed.
#include "ops/axes.h"
#include "ops/copy_steps.h"
#include "ops/nibbles.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

std::vector<int> permutation(const Attributes& attributes, int rank) {
  std::vector<int> axes;
  if (!attributes.has("perm")) {
    for (int axis = rank - 1; axis >= 0; --axis) axes.push_back(axis);
    return axes;
  }
  auto perm = attributes.integers("perm");
  require(static_cast<int>(perm.size()) == rank, ErrorCode::kShapeMismatch, "the permutation of ", perm.size(), " axes is applied to ", rank);
  axis_flags(perm, rank);   // no axis twice
  for (int64_t axis : perm) axes.push_back(normalize_axis(axis, rank));
  return axes;
}

Shape permuted(const Shape& shape, std::span<const int> axes) {
  Shape result;
  for (int axis : axes) result.push_back(shape[axis]);
  return result;
}

void infer(InferContext& context) {
  if (context.has_rank(0)) {
    const Shape& shape = context.shape(0);
    return context.set_output(0, context.dtype(0), permuted(shape, permutation(context.attributes(), shape.rank())));
  }
  if (context.attributes().has("perm"))
    return context.set_output(0, context.dtype(0), unknown_extents(static_cast<int64_t>(context.attributes().integers("perm").size())));
  context.set_output_rank_unknown(0, context.dtype(0));
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  std::vector<int> axes = permutation(context.attributes(), x.shape().rank());
  Tensor& y = context.output(0, x.dtype(), permuted(x.shape(), axes));
  if (is_nibble(x.dtype())) {
    Tensor bytes = unpack_nibbles(x), moved(bytes.dtype(), y.shape());
    transpose_copy(bytes.dtype(), x.shape(), axes, bytes.raw(), moved.raw(), context.pool());
    return pack_nibbles(moved.raw(), x.elements(), y.raw());
  }
  transpose_copy(x.dtype(), x.shape(), axes, x.raw(), y.raw(), context.pool());
}

bool bind(BindContext& context) {
  std::vector<int> axes = permutation(context.attributes(), context.shape(0).rank());
  return bind_transpose(context, context.shape(0).extents(), std::vector<int64_t>(axes.begin(), axes.end()));
}

constexpr OperatorDef definitions[] = {
    {.name = "Transpose", .infer = infer, .evaluate = evaluate, .bind = bind, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> transpose_operators() { return definitions; }

}  // namespace octet::ops
