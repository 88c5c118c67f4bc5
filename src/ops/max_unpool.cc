// MaxUnpool: puts values back where MaxPool took them from.
#include <cstring>

#include "ops/dispatch.h"
#include "ops/numeric.h"
#include "ops/window.h"

namespace octet::ops {

namespace {

// The shape that MaxPool's input had if its windows fitted exactly.
Shape unpooled(const Attributes& attributes, const Shape& x) {
  require(x.rank() >= 3, ErrorCode::kShapeMismatch, "an input of shape ", x, " has no spatial axis");
  Window window = read_window(attributes, x.rank() - 2, {});
  Shape y{x[0], x[1]};
  for (int axis = 0; axis < window.rank(); ++axis) {
    auto i = static_cast<size_t>(axis);
    int64_t extent = x[axis + 2];
    y.push_back(extent < 0 ? Shape::kUnknown
                           : (extent - 1) * window.strides[i] + window.kernel[i] - window.pads[i] - window.pads[i + window.kernel.size()]);
    require(extent < 0 || y[axis + 2] >= 0, ErrorCode::kShapeMismatch, "the padding takes away the whole output");
  }
  return y;
}

void infer(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(0));
  Shape shape = unpooled(context.attributes(), context.shape(0));
  if (!context.has_input(2)) return context.set_output(0, context.dtype(0), shape);
  if (auto given = context.constant_integers(2)) {
    require(given->size() == static_cast<size_t>(shape.rank()), ErrorCode::kShapeMismatch, "output_shape has ", given->size(), " values");
    return context.set_output(0, context.dtype(0), Shape(*given));
  }
  for (int axis = 0; axis < shape.rank(); ++axis) shape[axis] = Shape::kUnknown;
  context.set_output(0, context.dtype(0), shape);
}

void evaluate(EvaluateContext& context) {
  const Tensor &x = context.input(0), &indices = context.input(1);
  Shape inner = unpooled(context.attributes(), x.shape()), outer = inner;
  require(indices.elements() == x.elements(), ErrorCode::kShapeMismatch, "there are ", indices.elements(), " indices for ", x.elements(), " values");
  if (context.has_input(2)) {
    Reader<int64_t> given(context.input(2));
    require(given.size() == inner.rank(), ErrorCode::kShapeMismatch, "output_shape has ", given.size(), " values");
    for (int axis = 0; axis < inner.rank(); ++axis) {
      outer[axis] = given[axis];
      require(outer[axis] >= 0, ErrorCode::kShapeMismatch, "output_shape holds ", outer[axis]);
    }
  }
  Tensor& y = context.output(0, x.dtype(), outer);
  std::memset(y.raw(), 0, y.bytes());
  Reader<int64_t> places(indices);
  int64_t size = inner.elements();
  dispatch_size(x.dtype(), [&]<typename T>() {
    const T* from = static_cast<const T*>(x.raw());
    T* to = static_cast<T*>(y.raw());
    for (int64_t i = 0; i < places.size(); ++i) {
      int64_t rest = places[i], to_index = 0, stride = 1;
      require(rest >= 0 && rest < size, ErrorCode::kInvalidModel, "index ", rest, " is outside an output of shape ", inner);
      // Indices count in the exact shape; a given output shape adds a border at the ends (or cuts one off).
      bool inside = true;
      for (int axis = inner.rank() - 1; axis >= 0; --axis) {
        int64_t at = rest % inner[axis];
        rest /= inner[axis];
        inside &= at < outer[axis];
        to_index += at * stride;
        stride *= outer[axis];
      }
      if (inside) to[to_index] = from[i];
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "MaxUnpool", .since_version = 9, .min_inputs = 2, .max_inputs = 3, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> max_unpool_operators() { return definitions; }

}  // namespace octet::ops
