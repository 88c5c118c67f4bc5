// Pad: constant, edge, reflect and wrap; negative pads cut off. Attributes before opset 11, inputs since.
#include <algorithm>

#include "ops/axes.h"
#include "ops/copy_steps.h"
#include "ops/lowering.h"
#include "ops/moves.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

enum class Mode { kConstant, kEdge, kReflect, kWrap };

Mode mode(const Attributes& attributes) {
  std::string name = attributes.string("mode", "constant");
  if (name == "constant") return Mode::kConstant;
  if (name == "edge") return Mode::kEdge;
  if (name == "reflect") return Mode::kReflect;
  if (name == "wrap") return Mode::kWrap;
  fail(ErrorCode::kInvalidModel, "there is no padding mode '", name, "'");
}

struct Pads {
  std::vector<int64_t> begin, end;   // by axis
};

Pads pads_by_axis(const IntegerList& pads, const IntegerList& axes, int rank) {
  Pads result{std::vector<int64_t>(static_cast<size_t>(rank)), std::vector<int64_t>(static_cast<size_t>(rank))};
  size_t count = axes.present ? axes.values.size() : static_cast<size_t>(rank);
  require(pads.present && pads.values.size() == 2 * count, ErrorCode::kInvalidModel, pads.values.size(), " pads for ", count, " axes");
  if (axes.present) axis_flags(axes.values, rank);
  for (size_t i = 0; i < count; ++i) {
    size_t axis = axes.present ? static_cast<size_t>(normalize_axis(axes.values[i], rank)) : i;
    int64_t begin = pads.values[i], end = pads.values[i + count];
    constexpr int64_t kFar = int64_t{1} << 40;
    require(begin > -kFar && begin < kFar && end > -kFar && end < kFar, ErrorCode::kResourceLimit, "pads of ", begin, " and ", end);
    result.begin[axis] = begin;
    result.end[axis] = end;
  }
  return result;
}

Shape padded(const Shape& shape, const Pads& pads) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    int64_t begin = pads.begin[static_cast<size_t>(axis)], end = pads.end[static_cast<size_t>(axis)];
    if (shape[axis] < 0) {
      result.push_back(Shape::kUnknown);
      continue;
    }
    int64_t extent = shape[axis] + begin + end;
    require(extent >= 0, ErrorCode::kShapeMismatch, "pads of ", begin, " and ", end, " leave nothing of an extent of ", shape[axis]);
    result.push_back(extent);
  }
  return result;
}

template <typename Context>
IntegerList pads_of(const Context& context) {
  // Opset 1 called the attribute "paddings"; 2 to 10 "pads".
  return attribute_or_input(context, context.attributes().has("paddings") ? "paddings" : "pads", 1);
}

void infer(InferContext& context) {
  DType dtype = context.dtype(0);
  mode(context.attributes());
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, dtype);
  const Shape& shape = context.shape(0);
  IntegerList pads = pads_of(context), axes = attribute_or_input(context, "axes", 3);
  if (!pads.known || !axes.known) return context.set_output(0, dtype, unknown_extents(shape.rank()));
  context.set_output(0, dtype, padded(shape, pads_by_axis(pads, axes, shape.rank())));
}

// For every position of a padded axis where in the source it comes from; -1: the constant.
std::vector<int64_t> sources(int64_t extent, int64_t out_extent, int64_t begin, Mode mode) {
  std::vector<int64_t> result(static_cast<size_t>(out_extent));
  require(mode == Mode::kConstant || extent > 0 || out_extent == 0, ErrorCode::kShapeMismatch, "an empty axis has no values to pad with");
  for (int64_t i = 0; i < out_extent; ++i) {
    int64_t from = i - begin;
    if (from < 0 || from >= extent) {
      switch (mode) {
        case Mode::kConstant: from = -1; break;
        case Mode::kEdge: from = from < 0 ? 0 : extent - 1; break;
        case Mode::kWrap: from = (from % extent + extent) % extent; break;
        case Mode::kReflect: {
          int64_t period = 2 * (extent - 1);
          if (period == 0) {
            from = 0;
          } else {
            from = (from % period + period) % period;
            if (from >= extent) from = period - from;
          }
        }
      }
    }
    result[static_cast<size_t>(i)] = from;
  }
  return result;
}

// The constant as one element of `dtype`: the input, or the float attribute of opset 2.
Tensor constant_value(const Tensor* input, const Attributes& attributes, DType dtype) {
  if (input != nullptr && input->elements() > 0) {
    require(input->dtype() == dtype && input->elements() == 1, ErrorCode::kShapeMismatch, "the padding value must be one element of type ", dtype);
    return *input;
  }
  Tensor value(dtype, Shape{});
  std::memset(value.raw(), 0, value.bytes());
  float attribute = attributes.real("value", 0.0f);
  if (attribute != 0)
    dispatch(dtype, FloatTypes(), [&]<typename T>() { typed<T>(value)[0] = narrow<T>(static_cast<Wide<T>>(attribute)); });
  return value;
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  const int rank = x.shape().rank();
  Pads pads = pads_by_axis(pads_of(context), attribute_or_input(context, "axes", 3), rank);
  Shape shape = padded(x.shape(), pads);
  Mode how = mode(context.attributes());
  Tensor& y = context.output(0, x.dtype(), shape);
  Tensor value = constant_value(context.has_input(2) ? &context.input(2) : nullptr, context.attributes(), x.dtype());
  if (y.elements() == 0) return;
  if (rank == 0) return std::memcpy(y.raw(), x.raw(), x.bytes()), void();
  std::vector<std::vector<int64_t>> from;
  for (int axis = 0; axis < rank; ++axis)
    from.push_back(sources(x.shape()[axis], shape[axis], pads.begin[static_cast<size_t>(axis)], how));
  std::vector<int64_t> strides = dense_strides(x.shape());
  const int64_t inner = shape[rank - 1];
  dispatch_size(x.dtype(), [&]<typename T>() {
    const T fill = *static_cast<const T*>(value.raw());
    const T* source = static_cast<const T*>(x.raw());
    parallel_ranges(context.pool(), shape.elements(0, rank - 1), inner, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        T* to = static_cast<T*>(y.raw()) + r * inner;
        int64_t rest = r, offset = 0;
        bool outside = false;
        for (int axis = rank - 2; axis >= 0; --axis) {
          int64_t position = from[static_cast<size_t>(axis)][static_cast<size_t>(rest % shape[axis])];
          rest /= shape[axis];
          outside |= position < 0;
          offset += position * strides[static_cast<size_t>(axis)];
        }
        const std::vector<int64_t>& along = from.back();
        for (int64_t i = 0; i < inner; ++i) {
          int64_t position = along[static_cast<size_t>(i)];
          to[i] = outside || position < 0 ? fill : source[offset + position];
        }
      }
    });
  });
}

// Constant padding with everything but the data known: borders to fill, a middle to copy.
bool is_bindable(const Node& node) {
  if (mode(node.attributes) != Mode::kConstant || agnostic_with_constants(node) != LayoutSupport::kAgnostic) return false;
  const Value* value = node.input(2);
  return value == nullptr || value->shape->elements() <= 1;
}

bool bind(BindContext& context) {
  const Node& node = context.node();
  if (!is_bindable(node)) return false;
  const Shape &x = context.shape(0), &y = context.output_shape();
  const int rank = x.rank();
  auto list_of = [&](std::string_view attribute, size_t i) {
    IntegerList list;
    if (const Tensor* tensor = context.constant(i)) list = {true, true, integers_of(*tensor)};
    else if (node.attributes.has(attribute)) list = {true, true, {node.attributes.integers(attribute).begin(), node.attributes.integers(attribute).end()}};
    return list;
  };
  Pads pads = pads_by_axis(list_of(node.attributes.has("paddings") ? "paddings" : "pads", 1), list_of("axes", 3), rank);
  CopyList list(context);
  Tensor value = constant_value(context.constant(2), node.attributes, context.dtype(0));
  list.set_fill_value(value.raw(), dtype_bits(context.dtype(0)) / 8);
  std::vector<int64_t> x_strides = layout_strides(*node.inputs[0]), y_strides = layout_strides(*node.outputs[0]);
  // Axis by axis: what lies before and behind, within the middle of the axes already done.
  Shape middle = y;
  int64_t x_offset = 0, y_offset = 0;
  for (int axis = 0; axis < rank; ++axis) {
    const size_t i = static_cast<size_t>(axis);
    const int64_t before = std::max<int64_t>(pads.begin[i], 0), cut = std::max<int64_t>(-pads.begin[i], 0);
    const int64_t kept = std::max<int64_t>(std::min(x[axis] - cut, y[axis] - before), 0), behind = y[axis] - before - kept;
    Shape slab = middle;
    slab[axis] = before;
    list.fill(slab, y_strides, y_offset);
    slab[axis] = behind;
    list.fill(slab, y_strides, y_offset + (before + kept) * y_strides[i]);
    middle[axis] = kept;
    x_offset += cut * x_strides[i];
    y_offset += before * y_strides[i];
  }
  list.copy(0, 0, middle, x_strides, x_offset, y_strides, y_offset);
  return list.bind();
}

LayoutSupport layout(const Node& node) { return is_bindable(node) ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly; }

constexpr OperatorDef definitions[] = {
    {.name = "Pad", .max_inputs = 4, .infer = infer, .evaluate = evaluate, .bind = bind, .lower = lower_pad, .layout = layout},
};

}  // namespace

// Every range includes 0: a border of zeros, like one of copies, takes the parameters of what it surrounds.
bool pads_with_zeros_or_copies(const Node& node) {
  if (mode(node.attributes) != Mode::kConstant) return true;
  if (node.attributes.real("value", 0.0f) != 0) return false;
  const Value* value = node.input(2);
  return value == nullptr || (value->is_constant() && value->dtype == DType::kFloat32 && value->constant().elements() == 1 &&
                              value->constant().data<float>()[0] == 0);
}

std::span<const OperatorDef> pad_operators() { return definitions; }

}  // namespace octet::ops
