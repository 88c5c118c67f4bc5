// Attention, QAttention and MultiHeadAttention of ONNX Runtime.
#include <cmath>
#include <optional>

#include "ops/attention_core.h"
#include "ops/axes.h"
#include "ops/broadcast.h"
#include "ops/matrix_product.h"

namespace octet::ops {

namespace {

// --- Attention, QAttention: the projection of one input to queries, keys and values is part of the operator ------------------

constexpr size_t kAbsent = 99;
struct Form {
  size_t mask, past, add;
  bool quantized;
};
constexpr Form kFloat{3, 4, 5, false};
// input, weight, bias, input scale, weight scale, mask, input zero point, weight zero point, past
constexpr Form kQuantized{5, 8, kAbsent, true};

struct Sizes {
  int64_t heads = 1, q = 0, k = 0, v = 0;   // widths over all heads
};
Sizes projection_sizes(const Node& node, int64_t columns) {
  Sizes sizes;
  sizes.heads = node.attributes.integer("num_heads");
  require(sizes.heads >= 1 && sizes.heads <= (1 << 20), ErrorCode::kInvalidModel, "attribute 'num_heads' is ", sizes.heads);
  std::span<const int64_t> given = node.attributes.integers("qkv_hidden_sizes");
  require(given.empty() || given.size() == 3, ErrorCode::kInvalidModel, "attribute 'qkv_hidden_sizes' has ", given.size(), " values");
  if (given.empty()) {
    require(columns % 3 == 0, ErrorCode::kShapeMismatch, columns, " columns are not three equal parts");
    sizes.q = sizes.k = sizes.v = columns / 3;
  } else {
    sizes.q = given[0], sizes.k = given[1], sizes.v = given[2];
    for (int64_t size : given) require(size >= 0 && size <= columns, ErrorCode::kShapeMismatch, "attribute 'qkv_hidden_sizes' holds ", size);
    require(sizes.q == sizes.k && sizes.q + sizes.k + sizes.v == columns, ErrorCode::kShapeMismatch,
            "attribute 'qkv_hidden_sizes' does not go with ", columns, " columns");
  }
  require(sizes.q % sizes.heads == 0 && sizes.v % sizes.heads == 0, ErrorCode::kShapeMismatch, "the features cannot be divided among ",
          sizes.heads, " heads");
  return sizes;
}

// What the mask input of shape [batch], [2 · batch], [batch, total], [batch, length, total] or [batch, 1, max, max] adds to a score.
std::function<float(int64_t, int64_t, int64_t, int64_t)> mask_function(const Tensor& tensor, const Reader<int64_t>& mask, int64_t batch, int64_t length,
                                                                       int64_t total, float filter) {
  const Shape& shape = tensor.shape();
  const int64_t* m = mask.data();
  if (shape.rank() == 1 && (shape[0] == batch || shape[0] == 2 * batch)) {
    bool starts = shape[0] == 2 * batch;   // ends, then starts
    return [=](int64_t n, int64_t, int64_t, int64_t j) { return j < m[n] && (!starts || j >= m[batch + n]) ? 0.0f : filter; };
  }
  if (shape.rank() == 1 && shape[0] == 3 * batch + 2)   // key lengths, then offsets
    return [=](int64_t n, int64_t, int64_t, int64_t j) { return j < m[n] ? 0.0f : filter; };
  if (shape == Shape{batch, total}) return [=](int64_t n, int64_t, int64_t, int64_t j) { return m[n * total + j] != 0 ? 0.0f : filter; };
  if (shape == Shape{batch, length, total})
    return [=](int64_t n, int64_t, int64_t i, int64_t j) { return m[(n * length + i) * total + j] != 0 ? 0.0f : filter; };
  if (shape.rank() == 4 && shape[0] == batch && shape[1] == 1 && shape[2] >= total && shape[3] >= total) {
    int64_t rows = shape[2], columns = shape[3], past = total - length;
    return [=](int64_t n, int64_t, int64_t i, int64_t j) { return m[(n * rows + past + i) * columns + j] != 0 ? 0.0f : filter; };
  }
  fail(ErrorCode::kShapeMismatch, "a mask of shape ", shape, " does not go with ", batch, " sequences of ", length, " queries and ", total, " keys");
}

template <const Form& form>
void infer(InferContext& context) {
  DType dtype = form.quantized ? DType::kFloat32 : context.dtype(0);
  context.set_output_rank_unknown(0, dtype);
  context.set_output_rank_unknown(1, dtype);
  if (!context.has_rank(0) || !context.has_rank(1)) return;
  const Shape &x = context.shape(0), &w = context.shape(1);
  require(x.rank() == 3 && w.rank() == 2, ErrorCode::kShapeMismatch, "an input of shape ", x, " with weights of shape ", w);
  same_extent(x[2], w[0], "the features of input and weights");
  if (w[1] < 0) return context.set_output(0, dtype, Shape{x[0], x[1], Shape::kUnknown});
  Sizes sizes = projection_sizes(context.node(), w[1]);
  context.set_output(0, dtype, Shape{x[0], x[1], sizes.v});
  int64_t past = 0;
  if (context.has_input(form.past)) past = context.has_rank(form.past) && context.shape(form.past).rank() == 5 ? context.shape(form.past)[3] : Shape::kUnknown;
  int64_t total = past < 0 || x[1] < 0 ? Shape::kUnknown : past + x[1];
  context.set_output(1, dtype, Shape{2, x[0], sizes.heads, total, sizes.k / sizes.heads});
}

// rows × columns of x · w in float, without bias.
template <const Form& form>
std::vector<float> project(const EvaluateContext& context, int64_t rows, int64_t depth, int64_t columns) {
  std::vector<float> out(static_cast<size_t>(rows * columns));
  MatrixProduct product = plan_matrix_product(Shape{rows, depth}, Shape{depth, columns});
  if constexpr (form.quantized) {
    Reader<int32_t> x(context, 0), x_zero(context, 6), w_zero(context, 7);
    Reader<float> w_scale(context, 4);
    float x_scale = scalar_scale(context, 3);
    require(!x_zero || x_zero.size() == 1, ErrorCode::kShapeMismatch, "the input's zero point must be one value");
    require(w_scale.size() == 1 || w_scale.size() == columns, ErrorCode::kShapeMismatch, "there are ", w_scale.size(), " weight scales");
    std::vector<uint32_t> a = centred_columns(context.input(0), x_zero, depth), b = centred_columns(context.input(1), w_zero, columns),
                          sums(static_cast<size_t>(rows * columns));
    multiply_all(product, a.data(), b.data(), sums.data(), context.pool());
    for (int64_t i = 0; i < rows * columns; ++i)
      out[static_cast<size_t>(i)] = static_cast<float>(static_cast<int32_t>(sums[static_cast<size_t>(i)])) *
                                    (x_scale * w_scale[w_scale.size() == 1 ? 0 : i % columns]);
  } else {
    Reader<float> x(context, 0), w(context, 1);
    multiply_all(product, x.data(), w.data(), out.data(), context.pool());
  }
  return out;
}

template <const Form& form>
void evaluate(EvaluateContext& context) {
  const Node& node = context.node();
  const Attributes& attributes = node.attributes;
  const Shape &x = context.input(0).shape(), &w = context.input(1).shape();
  require(x.rank() == 3 && w.rank() == 2 && x[2] == w[0], ErrorCode::kShapeMismatch, "an input of shape ", x, " with weights of shape ", w);
  require(attributes.integer("do_rotary", 0) == 0 && attributes.integer("past_present_share_buffer", 0) == 0, ErrorCode::kUnsupported,
          "Attention with do_rotary or past_present_share_buffer is not supported");
  Sizes sizes = projection_sizes(node, w[1]);
  int64_t batch = x[0], length = x[1], past = 0, columns = w[1];
  DType dtype = form.quantized ? DType::kFloat32 : context.input(0).dtype();
  AttentionExtents e{batch, sizes.heads, sizes.heads, length, length, sizes.q / sizes.heads, sizes.v / sizes.heads};
  if (context.has_input(form.past)) {
    const Shape& shape = context.input(form.past).shape();
    require(shape.rank() == 5 && shape == (Shape{2, batch, sizes.heads, shape[3], e.size}) && e.size == e.value_size, ErrorCode::kShapeMismatch,
            "a past of shape ", shape);
    past = shape[3];
    e.total += past;
  }
  std::vector<float> projected = project<form>(context, batch * length, x[2], columns);
  Reader<float> bias(context, 2), past_values(context, form.past), add(context, form.add);
  require(!bias || bias.size() == columns, ErrorCode::kShapeMismatch, "the bias has ", bias.size(), " values for ", columns, " columns");
  for (int64_t i = 0; bias && i < batch * length * columns; ++i) projected[static_cast<size_t>(i)] += bias[i % columns];

  auto elements = [&](int64_t positions, int64_t size) { return static_cast<size_t>(batch * e.heads * positions * size); };
  std::vector<float> q(elements(length, e.size)), k(elements(e.total, e.size)), v(elements(e.total, e.value_size));
  split_heads(projected.data(), q.data(), batch, length, e.heads, e.size, length, 0, columns);
  split_heads(projected.data() + sizes.q, k.data(), batch, length, e.heads, e.size, e.total, past, columns);
  split_heads(projected.data() + sizes.q + sizes.k, v.data(), batch, length, e.heads, e.value_size, e.total, past, columns);
  if (past_values) {
    place_heads(past_values.data(), k.data(), batch * e.heads, past, e.size, e.total, 0);
    place_heads(past_values.data() + batch * e.heads * past * e.size, v.data(), batch * e.heads, past, e.value_size, e.total, 0);
  }
  AttentionOptions<float> options;
  float scale = attributes.real("scale", 0.0f);
  options.scale = scale != 0.0f ? scale : 1.0f / std::sqrt(static_cast<float>(e.size));
  options.causal = attributes.integer("unidirectional", 0) != 0;
  options.causal_offset = past;
  Reader<int64_t> mask(context, form.mask);
  std::function<float(int64_t, int64_t, int64_t, int64_t)> from_mask;
  if (mask) from_mask = mask_function(context.input(form.mask), mask, batch, length, e.total, attributes.real("mask_filter_value", -10000.0f));
  std::vector<int64_t> strides;
  if (add) strides = broadcast_strides(context.input(form.add).shape(), Shape{batch, e.heads, length, e.total});
  if (mask || add)
    options.mask = [&](int64_t n, int64_t head, int64_t i, int64_t j) {
      float value = from_mask ? from_mask(n, head, i, j) : 0.0f;
      return add ? value + add[n * strides[0] + head * strides[1] + i * strides[2] + j * strides[3]] : value;
    };
  Writer<float> y(context, 0, dtype, Shape{batch, length, sizes.v});
  attend<float>(e, options, q.data(), k.data(), v.data(),
                [&](int64_t n, int64_t head, int64_t i) { return y.data() + (n * length + i) * sizes.v + head * e.value_size; }, context.pool());
  if (context.has_output(1)) {
    require(e.size == e.value_size, ErrorCode::kUnsupported, "present keys and values of different sizes are not supported");
    Writer<float> present(context, 1, dtype, Shape{2, batch, e.heads, e.total, e.size});
    std::copy(k.begin(), k.end(), present.data());
    std::copy(v.begin(), v.end(), present.data() + k.size());
  }
}

template <const Form& form>
int64_t macs(const Node& node) {
  const Shape &x = *node.inputs[0]->shape, &w = *node.inputs[1]->shape;
  Sizes sizes = projection_sizes(node, w[1]);
  return x[0] * x[1] * (x[2] * w[1] + x[1] * (sizes.k + sizes.v));
}

// --- MultiHeadAttention: queries, keys and values come projected ---------------------------------------------------------------

enum Input : size_t { kQuery, kKey, kValue, kBias, kPadding, kAdd, kPastKey, kPastValue };

struct MultiHead {
  AttentionExtents e;
  int64_t past = 0;
  enum class Packing { kNone, kAll, kKeysValues, kSplitHeads } packing = Packing::kNone;
};

// Works with unknown extents too: they stay unknown.
MultiHead multi_head(const Node& node, const Shape& q, const Shape* k, const Shape* v, const Shape* past) {
  MultiHead m;
  int64_t heads = node.attributes.integer("num_heads");
  require(heads >= 1, ErrorCode::kInvalidModel, "attribute 'num_heads' is ", heads);
  auto divided = [&](int64_t extent) {
    require(extent < 0 || extent % heads == 0, ErrorCode::kShapeMismatch, extent, " features cannot be divided among ", heads, " heads");
    return extent < 0 ? Shape::kUnknown : extent / heads;
  };
  m.e.batch = q.rank() > 0 ? q[0] : Shape::kUnknown;
  m.e.heads = m.e.kv_heads = heads;
  int64_t keys;
  if (q.rank() == 5) {
    require(k == nullptr && v == nullptr, ErrorCode::kInvalidModel, "packed queries with keys or values");
    m.packing = MultiHead::Packing::kAll;
    m.e.length = keys = q[1];
    m.e.size = m.e.value_size = q[4];
  } else {
    require(q.rank() == 3 && k != nullptr, ErrorCode::kShapeMismatch, "queries of shape ", q, " without keys");
    m.e.length = q[1];
    m.e.size = divided(q[2]);
    if (k->rank() == 5) {
      m.packing = MultiHead::Packing::kKeysValues;
      keys = (*k)[1];
      m.e.value_size = m.e.size;
    } else {
      require(v != nullptr && k->rank() == v->rank() && (k->rank() == 3 || k->rank() == 4), ErrorCode::kShapeMismatch, "keys of shape ", *k,
              " and their values do not go together");
      if (k->rank() == 4) m.packing = MultiHead::Packing::kSplitHeads;
      keys = (*k)[k->rank() == 4 ? 2 : 1];
      m.e.value_size = v->rank() == 4 ? (*v)[3] : divided((*v)[2]);
    }
  }
  if (past != nullptr) {
    require(past->rank() == 4, ErrorCode::kShapeMismatch, "past keys of shape ", *past);
    m.past = (*past)[2];
  }
  m.e.total = keys < 0 || m.past < 0 ? Shape::kUnknown : keys + m.past;
  return m;
}

void infer_multi_head(InferContext& context) {
  DType dtype = context.dtype(kQuery);
  for (size_t i = 0; i < 3; ++i) context.set_output_rank_unknown(i, dtype);
  for (size_t i : {size_t{kQuery}, size_t{kKey}, size_t{kValue}, size_t{kPastKey}})
    if (context.has_input(i) && !context.has_rank(i)) return;
  auto shape = [&](size_t i) { return context.has_input(i) ? &context.shape(i) : nullptr; };
  MultiHead m = multi_head(context.node(), context.shape(kQuery), shape(kKey), shape(kValue), shape(kPastKey));
  context.set_output(0, dtype, Shape{m.e.batch, m.e.length, m.e.value_size < 0 ? Shape::kUnknown : m.e.heads * m.e.value_size});
  context.set_output(1, dtype, Shape{m.e.batch, m.e.heads, m.e.total, m.e.size});
  context.set_output(2, dtype, Shape{m.e.batch, m.e.heads, m.e.total, m.e.value_size});
}

void evaluate_multi_head(EvaluateContext& context) {
  const Attributes& attributes = context.attributes();
  auto shape = [&](size_t i) { return context.has_input(i) ? &context.input(i).shape() : nullptr; };
  MultiHead m = multi_head(context.node(), context.input(kQuery).shape(), shape(kKey), shape(kValue), shape(kPastKey));
  const AttentionExtents& e = m.e;
  DType dtype = context.input(kQuery).dtype();
  Reader<float> query(context, kQuery), key(context, kKey), value(context, kValue), bias(context, kBias), add(context, kAdd),
      past_key(context, kPastKey), past_value(context, kPastValue);
  int64_t keys = e.total - m.past, q_width = e.heads * e.size, v_width = e.heads * e.value_size;
  auto elements = [&](int64_t positions, int64_t size) { return e.batch * e.heads * positions * size; };
  std::vector<float> q(static_cast<size_t>(elements(e.length, e.size))), k(static_cast<size_t>(elements(e.total, e.size))),
      v(static_cast<size_t>(elements(e.total, e.value_size)));
  using Packing = MultiHead::Packing;
  // [batch][position][head][part][size]: one part of several
  auto unpack = [&](const float* from, std::vector<float>& to, int64_t positions, int64_t part, int64_t parts, int64_t total, int64_t offset) {
    for (int64_t n = 0; n < e.batch; ++n)
      for (int64_t i = 0; i < positions; ++i)
        for (int64_t head = 0; head < e.heads; ++head)
          std::copy_n(from + (((n * positions + i) * e.heads + head) * parts + part) * e.size, e.size,
                      to.data() + ((n * e.heads + head) * total + offset + i) * e.size);
  };
  auto sized = [](const Reader<float>& reader, int64_t size, std::string_view what) {
    require(!reader || reader.size() == size, ErrorCode::kShapeMismatch, "the ", what, " have ", reader.size(), " values instead of ", size);
  };
  if (m.packing == Packing::kAll) {
    sized(query, 3 * elements(e.length, e.size), "queries, keys and values");
    unpack(query.data(), q, e.length, 0, 3, e.length, 0);
    unpack(query.data(), k, keys, 1, 3, e.total, m.past);
    unpack(query.data(), v, keys, 2, 3, e.total, m.past);
  } else {
    sized(query, elements(e.length, e.size), "queries");
    split_heads(query.data(), q.data(), e.batch, e.length, e.heads, e.size, e.length, 0, q_width);
    if (m.packing == Packing::kKeysValues) {
      sized(key, 2 * elements(keys, e.size), "keys and values");
      unpack(key.data(), k, keys, 0, 2, e.total, m.past);
      unpack(key.data(), v, keys, 1, 2, e.total, m.past);
    } else {
      sized(key, elements(keys, e.size), "keys");
      sized(value, elements(keys, e.value_size), "values");
      if (m.packing == Packing::kSplitHeads) {
        place_heads(key.data(), k.data(), e.batch * e.heads, keys, e.size, e.total, m.past);
        place_heads(value.data(), v.data(), e.batch * e.heads, keys, e.value_size, e.total, m.past);
      } else {
        split_heads(key.data(), k.data(), e.batch, keys, e.heads, e.size, e.total, m.past, q_width);
        split_heads(value.data(), v.data(), e.batch, keys, e.heads, e.value_size, e.total, m.past, v_width);
      }
    }
  }
  if (bias) {
    sized(bias, 2 * q_width + v_width, "biases");
    auto add_bias = [&](std::vector<float>& to, int64_t positions, int64_t size, int64_t first, int64_t from) {
      for (int64_t plane = 0; plane < e.batch * e.heads; ++plane)
        for (int64_t i = first; i < positions; ++i)
          for (int64_t d = 0; d < size; ++d) to[static_cast<size_t>((plane * positions + i) * size + d)] += bias[from + plane % e.heads * size + d];
    };
    add_bias(q, e.length, e.size, 0, 0);
    // Keys and values that come split into heads are another layer's, their biases in them.
    if (m.packing != Packing::kSplitHeads) {
      add_bias(k, e.total, e.size, m.past, q_width);
      add_bias(v, e.total, e.value_size, m.past, 2 * q_width);
    }
  }
  if (past_key) {
    sized(past_key, elements(m.past, e.size), "past keys");
    require(static_cast<bool>(past_value), ErrorCode::kInvalidModel, "past keys without past values");
    sized(past_value, elements(m.past, e.value_size), "past values");
    place_heads(past_key.data(), k.data(), e.batch * e.heads, m.past, e.size, e.total, 0);
    place_heads(past_value.data(), v.data(), e.batch * e.heads, m.past, e.value_size, e.total, 0);
  }
  AttentionOptions<float> options;
  float scale = attributes.real("scale", 0.0f);
  options.scale = scale != 0.0f ? scale : 1.0f / std::sqrt(static_cast<float>(e.size));
  options.causal = attributes.integer("unidirectional", 0) != 0;
  options.causal_offset = e.total - e.length;
  Reader<int64_t> mask(context, kPadding);
  std::function<float(int64_t, int64_t, int64_t, int64_t)> from_mask;
  if (mask) from_mask = mask_function(context.input(kPadding), mask, e.batch, e.length, e.total, attributes.real("mask_filter_value", -10000.0f));
  std::vector<int64_t> strides;
  if (add) strides = broadcast_strides(context.input(kAdd).shape(), Shape{e.batch, e.heads, e.length, e.total});
  if (mask || add)
    options.mask = [&](int64_t n, int64_t head, int64_t i, int64_t j) {
      float sum = from_mask ? from_mask(n, head, i, j) : 0.0f;
      return add ? sum + add[n * strides[0] + head * strides[1] + i * strides[2] + j * strides[3]] : sum;
    };
  Writer<float> y(context, 0, dtype, Shape{e.batch, e.length, v_width});
  attend<float>(e, options, q.data(), k.data(), v.data(),
                [&](int64_t n, int64_t head, int64_t i) { return y.data() + (n * e.length + i) * v_width + head * e.value_size; }, context.pool());
  auto present = [&](size_t i, const std::vector<float>& from, int64_t size) {
    if (!context.has_output(i)) return;
    Writer<float> out(context, i, dtype, Shape{e.batch, e.heads, e.total, size});
    std::copy(from.begin(), from.end(), out.data());
  };
  present(1, k, e.size);
  present(2, v, e.value_size);
}

int64_t macs_multi_head(const Node& node) {
  auto shape = [&](size_t i) { return node.input(i) != nullptr ? &*node.inputs[i]->shape : nullptr; };
  MultiHead m = multi_head(node, *node.inputs[kQuery]->shape, shape(kKey), shape(kValue), shape(kPastKey));
  return m.e.batch * m.e.heads * m.e.length * m.e.total * (m.e.size + m.e.value_size);
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "Attention", .min_inputs = 2, .max_inputs = 6, .max_outputs = 2, .infer = infer<kFloat>,
     .evaluate = evaluate<kFloat>, .macs = macs<kFloat>},
    {.domain = "com.microsoft", .name = "QAttention", .min_inputs = 5, .max_inputs = 9, .max_outputs = 2, .infer = infer<kQuantized>,
     .evaluate = evaluate<kQuantized>, .macs = macs<kQuantized>},
    {.domain = "com.microsoft", .name = "MultiHeadAttention", .max_inputs = 8, .max_outputs = 3, .infer = infer_multi_head,
     .evaluate = evaluate_multi_head, .macs = macs_multi_head},
};

}  // namespace

std::span<const OperatorDef> microsoft_attention_operators() { return definitions; }

}  // namespace octet::ops
