#include "ops/fused_attention.h"

#include <algorithm>

#include "ops/numeric.h"

namespace octet::ops {

namespace {

constexpr std::pair<const char*, HeadView FusedAttention::*> kViews[] = {
    {"q_view", &FusedAttention::q}, {"k_view", &FusedAttention::k}, {"v_view", &FusedAttention::v},
    {"addend_view", &FusedAttention::addend}, {"y_view", &FusedAttention::y}};

// Whether `extents` positions of a view lie within `elements`: a pack file may say anything.
bool lies_within(const HeadView& view, std::initializer_list<int64_t> extents, int64_t elements) {
  const int64_t strides[] = {view.batch, view.head, view.row, view.column};
  if (view.offset < 0 || view.offset >= elements) return false;
  int64_t last = view.offset;
  const int64_t* stride = strides;
  for (int64_t extent : extents) {
    if (extent < 1 || extent > elements || *stride < 0) return false;
    if (extent > 1 && *stride > (elements - 1 - last) / (extent - 1)) return false;
    last += (extent - 1) * *stride++;
  }
  return true;
}

void check(const Node& node, const FusedAttention& a) {
  auto holds = [&](size_t i, const HeadView& view, int64_t rows, int64_t columns, DType first, DType second) {
    const Value* value = node.input(i);
    if (!value->has_concrete_shape()) return;
    require((value->dtype == first || value->dtype == second) && value->shape->elements() > 0, ErrorCode::kInvalidModel, "input ", i, " holds ", value->dtype);
    HeadView of = view;
    // A mask is repeated along its axes of stride 0.
    require(lies_within(of, {of.batch == 0 ? 1 : a.batch, of.head == 0 ? 1 : a.heads, of.row == 0 ? 1 : rows, of.column == 0 ? 1 : columns}, value->shape->elements()),
            ErrorCode::kInvalidModel, "the heads of input ", i, " lie outside of it");
  };
  for (int64_t size : {a.batch, a.heads, a.rows, a.keys, a.depth, a.value_depth})
    require(size >= 1 && size <= (int64_t{1} << 40), ErrorCode::kInvalidModel, "attribute 'sizes' holds ", size);
  const bool bytes_out = a.y_type == DType::kUInt8 || a.y_type == DType::kInt8;
  require(a.y_type == DType::kFloat32 || (a.quantized && bytes_out), ErrorCode::kInvalidModel, "attribute 'y_type' is ", a.y_type);
  require(a.scaling == kernels::attention_rows::Scaling::kNone || a.scaling == kernels::attention_rows::Scaling::kMultiply ||
              a.scaling == kernels::attention_rows::Scaling::kDivide,
          ErrorCode::kInvalidModel, "attribute 'scaling' is ", static_cast<int64_t>(a.scaling));
  for (int64_t zero : a.zero_points) require(zero >= -128 && zero <= 255, ErrorCode::kInvalidModel, "a zero point is ", zero);
  const DType first = a.quantized ? DType::kUInt8 : DType::kFloat32, second = a.quantized ? DType::kInt8 : DType::kFloat32;
  holds(0, a.q, a.rows, a.depth, first, second);
  holds(1, a.k, a.keys, a.depth, first, second);
  holds(2, a.v, a.keys, a.value_depth, first, second);
  require(a.q.column == 1 || a.depth == 1, ErrorCode::kInvalidModel, "the columns of input 0 do not follow each other");
  if (node.input(3) != nullptr) {
    holds(3, a.addend, a.rows, a.keys, DType::kFloat32, DType::kFloat32);
    require(a.addend.column == 1, ErrorCode::kInvalidModel, "the columns of input 3 do not follow each other");
  }
  for (int64_t extent : a.y_shape) require(extent >= 1 && extent <= (int64_t{1} << 40), ErrorCode::kInvalidModel, "attribute 'y_shape' holds ", extent);
  require(a.y.column == 1 && a.y.offset == 0 && lies_within(a.y, {a.batch, a.heads, a.rows, a.value_depth}, Shape(a.y_shape).elements()), ErrorCode::kInvalidModel,
          "the result does not fit attribute 'y_shape'");
}

void infer(InferContext& context) {
  const FusedAttention a = read_fused_attention(context.attributes());
  check(context.node(), a);
  context.set_output(0, a.y_type, Shape(a.y_shape));
}

int64_t macs(const Node& node) {
  const FusedAttention a = read_fused_attention(node.attributes);
  return a.batch * a.heads * a.rows * a.keys * (a.depth + a.value_depth);
}

// One element type after the other: T is float, or int32_t for bytes.
template <typename T>
void evaluate_as(EvaluateContext& context, const FusedAttention& a) {
  Reader<T> q(context, 0), k(context, 1), v(context, 2);
  Reader<float> addend(context, 3);
  Writer<float> y(context, 0, a.y_type, Shape(a.y_shape));
  auto zero = [&](AttentionOperand operand) { return static_cast<T>(a.zero_points[operand]); };
  kernels::attention_rows::Params params;
  params.scaling = a.scaling, params.factor = a.factor;
  std::vector<float> scores(static_cast<size_t>(a.keys));
  const Range p_range = integer_range(a.probabilities_signed ? DType::kInt8 : DType::kUInt8);
  for (int64_t task = 0; task < a.batch * a.heads * a.rows; ++task) {
    const int64_t i = task % a.rows, h = task / a.rows % a.heads, b = task / a.rows / a.heads;
    for (int64_t j = 0; j < a.keys; ++j) {
      T sum = 0;
      for (int64_t d = 0; d < a.depth; ++d) sum += (q[a.q.at(b, h, i) + d * a.q.column] - zero(kQ)) * (k[a.k.at(b, h, j) + d * a.k.column] - zero(kK));
      scores[static_cast<size_t>(j)] = a.quantized ? static_cast<float>(sum) * (a.scales[kK] * a.scales[kQ]) : static_cast<float>(sum);
    }
    params.addend = addend ? addend.data() + a.addend.at(b, h, i) : nullptr;
    kernels::attention_rows::reference.floats(params, scores.data(), 1, a.keys, a.keys);
    for (int64_t c = 0; c < a.value_depth; ++c) {
      T sum = 0;
      for (int64_t j = 0; j < a.keys; ++j) {
        float p = scores[static_cast<size_t>(j)];
        T weight = a.quantized ? static_cast<T>(requantize(p / a.scales[kP], p_range, static_cast<int32_t>(a.zero_points[kP]))) - zero(kP) : static_cast<T>(p);
        sum += weight * (v[a.v.at(b, h, j) + c * a.v.column] - zero(kV));
      }
      float& out = y[a.y.at(b, h, i) + c];
      out = static_cast<float>(sum);
      if (!a.quantized) continue;
      if (a.y_type == DType::kFloat32) out = out * (a.scales[kV] * a.scales[kP]);
      else out = static_cast<float>(requantize(out * (a.scales[kP] * a.scales[kV] / a.scales[kY]), integer_range(a.y_type), static_cast<int32_t>(a.zero_points[kY])));
    }
  }
}

void evaluate(EvaluateContext& context) {
  const FusedAttention a = read_fused_attention(context.attributes());
  if (a.quantized) evaluate_as<int32_t>(context, a);
  else evaluate_as<float>(context, a);
}

constexpr OperatorDef definitions[] = {
    {.domain = "octet", .name = "FusedAttention", .min_inputs = 3, .max_inputs = 4, .infer = infer, .evaluate = evaluate, .macs = macs, .bind = bind_fused_attention},
};

}  // namespace

void set_attributes(const FusedAttention& a, Attributes& attributes) {
  attributes.set("sizes", std::vector<int64_t>{a.batch, a.heads, a.rows, a.keys, a.depth, a.value_depth});
  for (const auto& [name, view] : kViews) {
    const HeadView& of = a.*view;
    attributes.set(name, std::vector<int64_t>{of.offset, of.batch, of.head, of.row, of.column});
  }
  attributes.set("y_shape", a.y_shape);
  attributes.set("scaling", static_cast<int64_t>(a.scaling));
  attributes.set("factor", a.factor);
  attributes.set("y_type", static_cast<int64_t>(a.y_type));
  if (!a.quantized) return;
  attributes.set("probabilities_signed", int64_t{a.probabilities_signed});
  attributes.set("scales", std::vector<float>(std::begin(a.scales), std::end(a.scales)));
  attributes.set("zero_points", std::vector<int64_t>(std::begin(a.zero_points), std::end(a.zero_points)));
}

FusedAttention read_fused_attention(const Attributes& attributes) {
  FusedAttention a;
  auto sizes = attributes.integers("sizes");
  require(sizes.size() == 6, ErrorCode::kInvalidModel, "attribute 'sizes' has ", sizes.size(), " values instead of 6");
  a.batch = sizes[0], a.heads = sizes[1], a.rows = sizes[2], a.keys = sizes[3], a.depth = sizes[4], a.value_depth = sizes[5];
  for (const auto& [name, view] : kViews) {
    auto values = attributes.integers(name);
    require(values.size() == 5, ErrorCode::kInvalidModel, "attribute '", name, "' has ", values.size(), " values instead of 5");
    a.*view = {values[0], values[1], values[2], values[3], values[4]};
  }
  auto shape = attributes.integers("y_shape");
  a.y_shape.assign(shape.begin(), shape.end());
  a.scaling = static_cast<kernels::attention_rows::Scaling>(attributes.integer("scaling"));
  a.factor = attributes.real("factor");
  a.y_type = static_cast<DType>(attributes.integer("y_type"));
  auto scales = attributes.reals("scales");
  auto zero_points = attributes.integers("zero_points");
  a.quantized = scales.size() == 5 && zero_points.size() == 5;
  if (a.quantized) {
    a.probabilities_signed = attributes.integer("probabilities_signed") != 0;
    std::copy(scales.begin(), scales.end(), a.scales);
    std::copy(zero_points.begin(), zero_points.end(), a.zero_points);
  }
  return a;
}

std::span<const OperatorDef> fused_attention_operators() { return definitions; }

}  // namespace octet::ops
