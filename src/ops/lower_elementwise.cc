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
  for (const QuantizedValue& part : parts) {
    ByteScale from = byte_scale(part), to = byte_scale(y);
    if (from == to) {
      inputs.push_back(part.value);
      continue;
    }
    auto bytes = requantize_table(from, to);
    Tensor table(to.dtype, Shape{256});
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(table.raw()));
    Node* node = context.add("octet", "Table", {part.value});
    node->attributes.set("table", table);
    node->attributes.set("unary", std::string("Requantize"));
    infer_node(*node);
    inputs.push_back(node->outputs[0]);
  }
  Node* node = context.add("", "Concat", inputs);
  node->attributes = concat.attributes;
  infer_node(*node);
  context.finish(node->outputs[0]);
  return true;
}

}  // namespace octet::ops
