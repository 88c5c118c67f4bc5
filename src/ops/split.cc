// Split: a tensor cut along an axis; the sizes are an attribute before opset 13, an input since, and otherwise equal.
#include <algorithm>
#include <cstring>

#include "ops/axes.h"
#include "ops/copy_steps.h"

namespace octet::ops {

namespace {

std::vector<int64_t> sizes(const IntegerList& list, const Attributes& attributes, int64_t extent, size_t outputs) {
  std::vector<int64_t> result = list.values;
  if (list.present && !list.values.empty()) {
    require(result.size() == outputs, ErrorCode::kInvalidModel, result.size(), " sizes for ", outputs, " outputs");
    int64_t sum = 0;
    for (int64_t size : result) {
      require(size >= 0 && size <= extent, ErrorCode::kShapeMismatch, "cannot split an extent of ", extent, " into a piece of ", size);
      sum += size;
      require(sum <= extent, ErrorCode::kShapeMismatch, "the pieces are larger than the extent of ", extent);
    }
    require(sum == extent, ErrorCode::kShapeMismatch, "the pieces add up to ", sum, ", the extent is ", extent);
    return result;
  }
  int64_t pieces = attributes.integer("num_outputs", static_cast<int64_t>(outputs));
  require(pieces == static_cast<int64_t>(outputs), ErrorCode::kInvalidModel, "num_outputs is ", pieces, " for ", outputs, " outputs");
  int64_t chunk = (extent + pieces - 1) / pieces;
  require(extent % pieces == 0 || attributes.has("num_outputs"), ErrorCode::kShapeMismatch, "an extent of ", extent,
          " cannot be split into ", pieces, " equal pieces");
  // The last piece may be smaller; with very uneven numbers the ones before it run out first.
  result.clear();
  for (int64_t rest = extent, i = 0; i < pieces; ++i) {
    result.push_back(std::min(chunk, rest));
    rest -= result.back();
  }
  return result;
}

void infer(InferContext& context) {
  DType dtype = context.dtype(0);
  if (!context.has_rank(0)) {
    for (size_t i = 0; i < context.outputs(); ++i) context.set_output_rank_unknown(i, dtype);
    return;
  }
  Shape shape = context.shape(0);
  int axis = normalize_axis(context.attributes().integer("axis", 0), shape.rank());
  IntegerList list = attribute_or_input(context, "split", 1);
  std::vector<int64_t> pieces(context.outputs(), Shape::kUnknown);
  if (list.known && shape[axis] >= 0) pieces = sizes(list, context.attributes(), shape[axis], context.outputs());
  else if (list.known && list.values.size() == context.outputs()) pieces = list.values;
  for (size_t i = 0; i < context.outputs(); ++i) {
    shape[axis] = pieces[i];
    context.set_output(i, dtype, shape);
  }
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Shape shape = x.shape();
  int axis = normalize_axis(context.attributes().integer("axis", 0), shape.rank());
  require(dtype_bits(x.dtype()) >= 8, ErrorCode::kUnsupported, "elements of type ", x.dtype(), " are not supported here");
  auto pieces = sizes(attribute_or_input(context, "split", 1), context.attributes(), shape[axis], context.outputs());
  int64_t outer = shape.elements(0, axis), bytes = shape.elements(axis + 1, shape.rank()) * dtype_bits(x.dtype()) / 8;
  int64_t row = shape[axis] * bytes, offset = 0;
  for (size_t i = 0; i < context.outputs(); ++i) {
    shape[axis] = pieces[i];
    int64_t size = pieces[i] * bytes;
    if (context.has_output(i)) {
      char* to = static_cast<char*>(context.output(i, x.dtype(), shape).raw());
      const char* from = static_cast<const char*>(x.raw()) + offset;
      if (size > 0)
        parallel_ranges(context.pool(), outer, size / 4, [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) std::memcpy(to + r * size, from + r * row, static_cast<size_t>(size));
        });
    }
    offset += size;
  }
}

bool bind(BindContext& context) {
  const Node& node = context.node();
  if (context.has_input(1) && context.constant(1) == nullptr) return false;
  const int axis = normalize_axis(context.attributes().integer("axis", 0), context.shape(0).rank());
  IntegerList list;
  if (const Tensor* tensor = context.constant(1)) list = {true, true, integers_of(*tensor)};
  else if (context.attributes().has("split")) {
    auto values = context.attributes().integers("split");
    list = {true, true, std::vector<int64_t>(values.begin(), values.end())};
  }
  auto pieces = sizes(list, context.attributes(), context.shape(0)[axis], node.outputs.size());
  std::vector<int64_t> strides = layout_strides(*node.inputs[0]);
  CopyList copies(context);
  int64_t position = 0;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != nullptr)
      copies.copy(0, i, *node.outputs[i]->shape, strides, position * strides[static_cast<size_t>(axis)], layout_strides(*node.outputs[i]), 0);
    position += pieces[i];
  }
  return copies.bind();
}

LayoutSupport layout(const Node& node) {
  return node.outputs.size() <= 128 ? agnostic_with_constants(node) : LayoutSupport::kOnnxOnly;
}

constexpr OperatorDef definitions[] = {
    {.name = "Split", .since_version = 2, .max_inputs = 2, .max_outputs = kVariadic, .infer = infer, .evaluate = evaluate, .bind = bind, .layout = layout, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> split_operators() { return definitions; }

}  // namespace octet::ops
