// Attention of ONNX 23: multi-head, grouped-query and multi-query attention with masks and a cache of past keys and values.
#include <cmath>

#include "ops/attention_core.h"
#include "ops/axes.h"
#include "ops/broadcast.h"

namespace octet::ops {

namespace {

enum Input : size_t { kQuery, kKey, kValue, kMask, kPastKey, kPastValue };

struct Heads {
  int64_t batch, heads, length, size;
};

// Reads [batch, heads, length, size] or [batch, length, heads · size]; unknown extents stay unknown.
Heads heads_of(const Node& node, const Shape& shape, std::string_view attribute) {
  require(shape.rank() == 3 || shape.rank() == 4, ErrorCode::kShapeMismatch, "an input of shape ", shape, ": three or four axes are needed");
  if (shape.rank() == 4) return {shape[0], shape[1], shape[2], shape[3]};
  int64_t heads = node.attributes.integer(attribute);
  require(heads >= 1 && (shape[2] < 0 || shape[2] % heads == 0), ErrorCode::kInvalidModel, shape[2], " features cannot be divided among ", heads, " heads");
  return {shape[0], heads, shape[1], shape[2] < 0 ? Shape::kUnknown : shape[2] / heads};
}

void infer(InferContext& context) {
  const Node& node = context.node();
  DType dtype = context.dtype(kQuery);
  checked_integer(context.attributes(), "qk_matmul_output_mode", 0, 0, 3);
  for (size_t i = 0; i < 4; ++i) context.set_output_rank_unknown(i, dtype);
  if (!context.has_rank(kQuery) || !context.has_rank(kKey) || !context.has_rank(kValue)) return;
  Heads q = heads_of(node, context.shape(kQuery), "q_num_heads"), k = heads_of(node, context.shape(kKey), "kv_num_heads"),
        v = heads_of(node, context.shape(kValue), "kv_num_heads");
  same_extent(k.length, v.length, "the lengths of keys and values");
  same_extent(k.heads, v.heads, "the heads of keys and values");
  same_extent(q.size, k.size, "the head sizes of queries and keys");
  require(q.heads < 0 || k.heads < 0 || (k.heads > 0 && q.heads % k.heads == 0), ErrorCode::kInvalidModel, q.heads, " query heads cannot share ",
          k.heads, " key heads");
  int64_t past = 0;
  if (context.has_input(kPastKey))
    past = context.has_rank(kPastKey) && context.shape(kPastKey).rank() == 4 ? context.shape(kPastKey)[2] : Shape::kUnknown;
  int64_t total = past < 0 || k.length < 0 ? Shape::kUnknown : past + k.length;
  if (context.shape(kQuery).rank() == 4) context.set_output(0, dtype, Shape{q.batch, q.heads, q.length, v.size});
  else context.set_output(0, dtype, Shape{q.batch, q.length, v.size < 0 ? Shape::kUnknown : q.heads * v.size});
  context.set_output(1, context.dtype(kKey), Shape{k.batch, k.heads, total, k.size});
  context.set_output(2, context.dtype(kValue), Shape{v.batch, v.heads, total, v.size});
  context.set_output(3, dtype, Shape{q.batch, q.heads, q.length, total});
}

void evaluate(EvaluateContext& context) {
  const Node& node = context.node();
  const Shape& q_shape = context.input(kQuery).shape();
  Heads q = heads_of(node, q_shape, "q_num_heads"), k = heads_of(node, context.input(kKey).shape(), "kv_num_heads"),
        v = heads_of(node, context.input(kValue).shape(), "kv_num_heads");
  require(k.length == v.length && k.heads == v.heads && q.size == k.size && q.batch == k.batch && k.batch == v.batch, ErrorCode::kShapeMismatch,
          "queries, keys and values do not go together");
  require(k.heads > 0 && q.heads % k.heads == 0, ErrorCode::kInvalidModel, q.heads, " query heads cannot share ", k.heads, " key heads");
  int64_t past = 0;
  if (context.has_input(kPastKey)) {
    require(context.has_input(kPastValue), ErrorCode::kInvalidModel, "past keys without past values");
    const Shape &pk = context.input(kPastKey).shape(), &pv = context.input(kPastValue).shape();
    require(pk.rank() == 4 && pk == (Shape{k.batch, k.heads, pk[2], k.size}) && pv == (Shape{v.batch, v.heads, pk[2], v.size}),
            ErrorCode::kShapeMismatch, "past keys and values of shapes ", pk, " and ", pv);
    past = pk[2];
  }
  AttentionExtents e{q.batch, q.heads, k.heads, q.length, past + k.length, q.size, v.size};
  const Attributes& attributes = context.attributes();
  DType dtype = context.input(kQuery).dtype();
  with_float_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    Reader<T> q_reader(context.input(kQuery)), k_reader(context.input(kKey)), v_reader(context.input(kValue)), past_k(context, kPastKey), past_v(context, kPastValue);
    std::vector<T> queries(static_cast<size_t>(q_reader.size()));
    std::vector<T> keys(static_cast<size_t>(e.batch * e.kv_heads * e.total * e.size)), values(static_cast<size_t>(e.batch * e.kv_heads * e.total * e.value_size));
    auto place = [&](const Reader<T>& from, const Shape& shape, const Heads& heads, std::vector<T>& to, int64_t total, int64_t offset) {
      if (shape.rank() == 4) place_heads(from.data(), to.data(), heads.batch * heads.heads, heads.length, heads.size, total, offset);
      else split_heads(from.data(), to.data(), heads.batch, heads.length, heads.heads, heads.size, total, offset, heads.heads * heads.size);
    };
    place(q_reader, q_shape, q, queries, q.length, 0);
    place(k_reader, context.input(kKey).shape(), k, keys, e.total, past);
    place(v_reader, context.input(kValue).shape(), v, values, e.total, past);
    if (past_k) {
      place_heads(past_k.data(), keys.data(), e.batch * e.kv_heads, past, e.size, e.total, 0);
      place_heads(past_v.data(), values.data(), e.batch * e.kv_heads, past, e.value_size, e.total, 0);
    }
    AttentionOptions<T> options;
    options.scale = attributes.has("scale") ? static_cast<T>(attributes.real("scale")) : T(1) / std::sqrt(static_cast<T>(e.size));
    options.softcap = static_cast<T>(attributes.real("softcap", 0.0f));
    options.causal = attributes.integer("is_causal", 0) != 0;
    options.causal_offset = past;
    Reader<T> mask;
    std::vector<int64_t> strides;
    bool boolean = false;
    if (context.has_input(kMask)) {
      const Tensor& tensor = context.input(kMask);
      boolean = tensor.dtype() == DType::kBool;
      mask = Reader<T>(tensor);
      strides = broadcast_strides(tensor.shape(), Shape{e.batch, e.heads, e.length, e.total});
      options.mask = [&](int64_t n, int64_t head, int64_t i, int64_t j) {
        T value = mask[n * strides[0] + head * strides[1] + i * strides[2] + j * strides[3]];
        return !boolean ? value : value != 0 ? T(0) : -std::numeric_limits<T>::infinity();
      };
    }
    std::optional<Writer<T>> scores;
    if (context.has_output(3)) {
      scores.emplace(context, 3, dtype, Shape{e.batch, e.heads, e.length, e.total});
      options.scores = scores->data();
      options.stage = static_cast<ScoreStage>(checked_integer(attributes, "qk_matmul_output_mode", 0, 0, 3));
    }
    bool flat = q_shape.rank() == 3;
    Writer<T> y(context, 0, dtype, flat ? Shape{e.batch, e.length, e.heads * e.value_size} : Shape{e.batch, e.heads, e.length, e.value_size});
    attend<T>(e, options, queries.data(), keys.data(), values.data(), [&](int64_t n, int64_t head, int64_t i) {
      return y.data() + (flat ? (n * e.length + i) * e.heads + head : (n * e.heads + head) * e.length + i) * e.value_size;
    }, context.pool());
    auto present = [&](size_t i, const std::vector<T>& from, int64_t size) {
      if (!context.has_output(i)) return;
      Writer<T> out(context, i, context.input(i).dtype(), Shape{e.batch, e.kv_heads, e.total, size});
      std::copy(from.begin(), from.end(), out.data());
    };
    present(1, keys, e.size);
    present(2, values, e.value_size);
  });
}

int64_t macs(const Node& node) {
  Heads q = heads_of(node, *node.inputs[kQuery]->shape, "q_num_heads"), k = heads_of(node, *node.inputs[kKey]->shape, "kv_num_heads"),
        v = heads_of(node, *node.inputs[kValue]->shape, "kv_num_heads");
  int64_t past = node.input(kPastKey) != nullptr ? (*node.inputs[kPastKey]->shape)[2] : 0;
  return q.batch * q.heads * q.length * (past + k.length) * (q.size + v.size);
}

constexpr OperatorDef definitions[] = {
    {.name = "Attention", .since_version = 23, .min_inputs = 3, .max_inputs = 6, .max_outputs = 4, .infer = infer, .evaluate = evaluate, .macs = macs},
};

}  // namespace

std::span<const OperatorDef> attention_operators() { return definitions; }

}  // namespace octet::ops
