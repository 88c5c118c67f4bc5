// CenterCropPad: some axes brought to given extents around their middle, by cropping or with zeros.
#include <algorithm>
#include <cstring>

#include "ops/axes.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

std::vector<int> axes_of(const Attributes& attributes, int rank) {
  std::vector<int> axes;
  if (attributes.has("axes")) {
    axis_flags(attributes.integers("axes"), rank);
    for (int64_t axis : attributes.integers("axes")) axes.push_back(normalize_axis(axis, rank));
  } else {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  return axes;
}

Shape target(const Shape& x, const std::vector<int>& axes, std::span<const int64_t> wanted) {
  require(axes.size() == wanted.size(), ErrorCode::kShapeMismatch, wanted.size(), " extents for ", axes.size(), " axes");
  Shape shape = x;
  for (size_t i = 0; i < axes.size(); ++i) {
    require(wanted[i] >= 0, ErrorCode::kInvalidModel, "an extent of ", wanted[i]);
    shape[axes[i]] = wanted[i];
  }
  return shape;
}

void infer(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(0));
  std::vector<int> axes = axes_of(context.attributes(), context.shape(0).rank());
  if (const Tensor* wanted = context.constant(1)) return context.set_output(0, context.dtype(0), target(context.shape(0), axes, integers_of(*wanted)));
  Shape shape = context.shape(0);
  for (int axis : axes) shape[axis] = Shape::kUnknown;
  context.set_output(0, context.dtype(0), shape);
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Shape shape = target(x.shape(), axes_of(context.attributes(), x.shape().rank()), integers_of(context.input(1)));
  Tensor& y = context.output(0, x.dtype(), shape);
  if (y.elements() == 0) return;
  std::memset(y.raw(), 0, y.bytes());
  std::vector<int64_t> from_strides = dense_strides(x.shape()), to_strides = dense_strides(shape);
  Shape common;
  int64_t from = 0, to = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    int64_t have = x.shape()[axis], want = shape[axis];
    common.push_back(std::min(have, want));
    if (have > want) from += (have - want) / 2 * from_strides[static_cast<size_t>(axis)];
    else to += (want - have) / 2 * to_strides[static_cast<size_t>(axis)];
  }
  int64_t bytes = dtype_bits(x.dtype()) / 8;
  if (common.elements() == 0) return;
  strided_copy(x.dtype(), common, static_cast<const char*>(x.raw()) + from * bytes, from_strides, static_cast<char*>(y.raw()) + to * bytes, to_strides,
               context.pool());
}

constexpr OperatorDef definitions[] = {
    {.name = "CenterCropPad", .since_version = 18, .min_inputs = 2, .max_inputs = 2, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> center_crop_pad_operators() { return definitions; }

}  // namespace octet::ops
