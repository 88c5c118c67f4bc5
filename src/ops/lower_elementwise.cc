// Integer forms of sums, products, averages and concatenations.
#include "ops/axes.h"
#include "ops/lower_values.h"
#include "ops/lowering.h"
#include "ops/requantize_table.h"

namespace octet::ops {

namespace {

bool lower_binary(LowerContext& context, std::string_view domain, std::string_view op) {
  QuantizedValue a = context.input(0), b = context.input(1), y = context.output();
  if (!is_scalar_byte(a) || !is_scalar_byte(b) || !is_scalar_byte(y)) return false;
  Node* node = context.add(domain, op, {a.value, a.scale, zero_point(context, a), b.value, b.scale, zero_point(context, b), y.scale, zero_point(context, y)});
  infer_node(*node);
  context.finish(node->outputs[0]);
  return true;
}

Node* add_pool(LowerContext& context, std::string_view op) {
  QuantizedValue x = context.input(0), y = context.output();
  if (!is_scalar_byte(x) || !is_scalar_byte(y)) return nullptr;
  return context.add("com.microsoft", op, {x.value, x.scale, zero_point(context, x), y.scale, zero_point(context, y)});
}

// Whether the pass found a Relu or Clip to do on the way: what copies bytes cannot.
bool has_clamp(const Node& node) {
  const Value* out = node.output(0);
  return out->consumers.size() == 1 && !out->consumers[0]->op->quantizes;
}

ByteScale byte_scale(const QuantizedValue& q) { return {scale_of(q), zero_point_of(q), q.value->dtype}; }

// The bytes of x in another scale: a table, or nothing at all.
Value* requantized(LowerContext& context, const QuantizedValue& x, const ByteScale& to) {
  ByteScale from = byte_scale(x);
  if (from == to) return x.value;
  auto bytes = requantize_table(from, to);
  Tensor table(to.dtype, Shape{256});
  std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(table.raw()));
  Node* node = context.add("octet", "Table", {x.value});
  node->attributes.set("table", table);
  node->attributes.set("unary", std::string("Requantize"));
  infer_node(*node);
  return node->outputs[0];
}

}  // namespace

bool lower_add(LowerContext& context) { return lower_binary(context, "com.microsoft", "QLinearAdd"); }
bool lower_subtract(LowerContext& context) { return lower_binary(context, "octet", "QLinearSub"); }
bool lower_multiply(LowerContext& context) { return lower_binary(context, "com.microsoft", "QLinearMul"); }

bool lower_average_pool(LowerContext& context) {
  Node* node = add_pool(context, "QLinearAveragePool");
  if (node == nullptr) return false;
  node->attributes = context.node().attributes;
  infer_node(*node);
  context.finish(node->outputs[0]);
  return true;
}

bool lower_global_average_pool(LowerContext& context) {
  const Value* x = context.input(0).value;
  // The sum of 2^22 and more values could leave 32 bits.
  if (x == nullptr || !x->has_concrete_shape() || x->shape->rank() < 3 || x->shape->elements(2, x->shape->rank()) > (1 << 22)) return false;
  Node* node = add_pool(context, "QLinearGlobalAveragePool");
  if (node == nullptr) return false;
  infer_node(*node);
  context.finish(node->outputs[0]);
  return true;
}

bool lower_reduce_mean(LowerContext& context) {
  const Node& reduce = context.node();
  const Value* x = context.input(0).value;
  if (x == nullptr || !x->has_concrete_shape() || x->shape->rank() < 3 || x->shape->elements(2, x->shape->rank()) > (1 << 22)) return false;
  int rank = x->shape->rank();
  std::vector<int64_t> axes;
  if (const Value* given = reduce.input(1)) {
    if (!given->is_constant()) return false;
    axes = integers_of(given->constant());
  } else {
    std::span<const int64_t> list = reduce.attributes.integers("axes");
    axes.assign(list.begin(), list.end());
  }
  if (static_cast<int>(axes.size()) != rank - 2 || has_clamp(reduce)) return false;
  std::vector<bool> reduced = axis_flags(axes, rank);
  for (int axis = 0; axis < rank; ++axis)
    if (reduced[static_cast<size_t>(axis)] != (axis >= 2)) return false;
  Node* node = add_pool(context, "QLinearGlobalAveragePool");
  if (node == nullptr) return false;
  infer_node(*node);
  Value* result = node->outputs[0];
  if (reduce.attributes.integer("keepdims", 1) == 0) {
    Value* shape = constant(context, "shape", std::vector<int64_t>{(*x->shape)[0], (*x->shape)[1]});
    Node* reshape = context.add("", "Reshape", {result, shape});
    infer_node(*reshape);
    result = reshape->outputs[0];
  }
  context.finish(result);
  return true;
}

bool lower_concat(LowerContext& context) {
  const Node& concat = context.node();
  QuantizedValue y = context.output();
  if (!is_scalar_byte(y) || has_clamp(concat)) return false;
  std::vector<QuantizedValue> parts;
  for (size_t i = 0; i < concat.inputs.size(); ++i) {
    parts.push_back(context.input(i));
    if (!is_scalar_byte(parts.back())) return false;
  }
  std::vector<Value*> inputs;
  for (const QuantizedValue& part : parts) inputs.push_back(requantized(context, part, byte_scale(y)));
  Node* node = context.add("", "Concat", inputs);
  node->attributes = concat.attributes;
  infer_node(*node);
  context.finish(node->outputs[0]);
  return true;
}

// The border first changes its scale and then surrounds: whatever the constant is, QuantizeLinear would give this byte for it.
bool lower_pad(LowerContext& context) {
  const Node& pad = context.node();
  QuantizedValue x = context.input(0), y = context.output(), given = context.input(2);
  constexpr int kValueIsInput = 11;   // an attribute before
  if (pad.version < kValueIsInput || !is_scalar_byte(x) || !is_scalar_byte(y) || has_clamp(pad)) return false;
  float value = 0;
  if (is_scalar_byte(given) && given.value->is_constant() && given.value->constant().elements() == 1) {
    value = static_cast<float>(Reader<int32_t>(given.value->constant())[0] - zero_point_of(given)) * scale_of(given);
  } else if (const Value* constant = pad.input(2)) {
    if (!constant->is_constant() || constant->dtype != DType::kFloat32 || constant->constant().elements() > 1) return false;
    if (constant->constant().elements() == 1) value = constant->constant().data<float>()[0];
  }
  const ByteScale to = byte_scale(y);
  Tensor byte(to.dtype, Shape{});
  *static_cast<uint8_t*>(byte.raw()) = static_cast<uint8_t>(requantize(value / to.scale, integer_range(to.dtype), to.zero_point));
  std::vector<Value*> inputs = pad.inputs;
  inputs.resize(std::max<size_t>(inputs.size(), 3));
  inputs[0] = requantized(context, x, to);
  inputs[2] = context.graph().add_constant("border", std::move(byte));
  Node* node = context.add("", "Pad", inputs);
  node->attributes = pad.attributes;
  infer_node(*node);
  context.finish(node->outputs[0]);
  return true;
}

}  // namespace octet::ops
