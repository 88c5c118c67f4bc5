// BatchNormalization, and Mul or Add of per-channel constants, after a convolution or Gemm become part of its weights.
//
//   y_c = (x_c − mean_c) · g_c + beta_c,  g_c = scale_c / sqrt(var_c + epsilon)
//   w'_c = w_c · g_c,  b'_c = (b_c − mean_c) · g_c + beta_c
#include <cmath>

#include "graph/operator.h"
#include "passes/pass.h"

namespace octet {

namespace {

// y_c = x_c · factor_c + offset_c
struct PerChannel { std::vector<double> factor, offset; };

const Tensor* float_constant(const Node& node, size_t i) {
  const Value* value = node.input(i);
  return value != nullptr && value->is_constant() && value->dtype == DType::kFloat32 ? &value->constant() : nullptr;
}

// A constant that varies along axis 1 of a tensor of `rank`, or not at all: its `channels` values.
std::optional<std::vector<double>> channel_values(const Tensor& tensor, int rank, int64_t channels) {
  const Shape& shape = tensor.shape();
  if (shape.rank() > rank) return std::nullopt;
  const float* data = tensor.data<float>();
  if (tensor.elements() == 1) return std::vector<double>(static_cast<size_t>(channels), data[0]);
  int channel_axis = shape.rank() - rank + 1;
  if (channel_axis < 0 || shape[channel_axis] != channels || tensor.elements() != channels) return std::nullopt;
  return std::vector<double>(data, data + channels);
}

std::optional<PerChannel> affine_of(const Node& node, const Value* x, int64_t channels) {
  if (!node.op->domain.empty() || !x->shape) return std::nullopt;
  auto size = static_cast<size_t>(channels);
  if (node.op->name == "BatchNormalization") {
    if (node.input(0) != x || node.attributes.integer("training_mode", 0) != 0 || node.attributes.integer("spatial", 1) != 1) return std::nullopt;
    for (size_t i = 1; i < node.outputs.size(); ++i)
      if (node.outputs[i] != nullptr && node.outputs[i]->is_used()) return std::nullopt;
    const Tensor* parts[4];
    for (size_t i = 0; i < 4; ++i) {
      parts[i] = float_constant(node, i + 1);
      if (parts[i] == nullptr || parts[i]->elements() != channels) return std::nullopt;
    }
    double epsilon = node.attributes.real("epsilon", 1e-5f);
    PerChannel affine{std::vector<double>(size), std::vector<double>(size)};
    for (size_t c = 0; c < size; ++c) {
      double factor = parts[0]->data<float>()[c] / std::sqrt(parts[3]->data<float>()[c] + epsilon);
      affine.factor[c] = factor;
      affine.offset[c] = parts[1]->data<float>()[c] - parts[2]->data<float>()[c] * factor;
    }
    return affine;
  }
  bool multiply = node.op->name == "Mul", add = node.op->name == "Add";
  if ((!multiply && !add) || node.inputs.size() != 2) return std::nullopt;
  const Tensor* constant = float_constant(node, node.inputs[0] == x ? 1 : 0);
  if (constant == nullptr || constant->shape().rank() > x->shape->rank()) return std::nullopt;
  auto values = channel_values(*constant, x->shape->rank(), channels);
  if (!values) return std::nullopt;
  PerChannel affine{std::vector<double>(size, 1.0), std::vector<double>(size, 0.0)};
  (multiply ? affine.factor : affine.offset) = *values;
  return affine;
}

// Where the output channels of a linear operator's weights lie: w[group][outer][channel of the group][inner].
struct WeightAxis { int64_t channels, outer, inner, groups = 1; };

std::optional<WeightAxis> weight_axis(const Node& node) {
  if (!node.op->domain.empty() || node.inputs.size() < 2) return std::nullopt;
  const Value* weights = node.inputs[1];
  if (weights == nullptr || !weights->is_constant() || weights->dtype != DType::kFloat32) return std::nullopt;
  const Shape& shape = *weights->shape;
  if (node.op->name == "Conv") return WeightAxis{shape[0], 1, shape.elements(1, shape.rank())};
  if (node.op->name == "ConvTranspose") {
    const int64_t groups = node.attributes.integer("group", 1);
    if (groups < 1 || shape[0] % groups != 0) return std::nullopt;
    return WeightAxis{shape[1] * groups, shape[0] / groups, shape.elements(2, shape.rank()), groups};
  }
  if (node.op->name == "Gemm" && node.attributes.real("alpha", 1) == 1 && node.attributes.real("beta", 1) == 1) {
    if (node.attributes.integer("transB", 0) != 0) return WeightAxis{shape[0], 1, shape[1]};
    return WeightAxis{shape[1], shape[0], 1};
  }
  return std::nullopt;
}

bool fold_into(Graph& graph, Node& linear, Node& next) {
  Value* x = linear.outputs[0];
  auto axis = weight_axis(linear);
  if (!axis || !x->shape || x->shape->rank() < 2) return false;
  const Tensor* bias = nullptr;
  if (linear.input(2) != nullptr) {
    bias = float_constant(linear, 2);
    if (bias == nullptr || bias->elements() != axis->channels) return false;
  }
  auto affine = affine_of(next, x, axis->channels);
  if (!affine) return false;

  Tensor weights = linear.inputs[1]->raw_constant().clone();
  float* w = weights.data<float>();
  const int64_t of_group = axis->channels / axis->groups;
  for (int64_t g = 0; g < axis->groups; ++g)
    for (int64_t o = 0; o < axis->outer; ++o)
      for (int64_t c = g * of_group; c < (g + 1) * of_group; ++c)
        for (int64_t i = 0; i < axis->inner; ++i, ++w) *w = static_cast<float>(*w * affine->factor[static_cast<size_t>(c)]);
  Tensor new_bias(DType::kFloat32, Shape{axis->channels});
  for (int64_t c = 0; c < axis->channels; ++c) {
    auto channel = static_cast<size_t>(c);
    double old = bias != nullptr ? bias->data<float>()[c] : 0.0;
    new_bias.data<float>()[c] = static_cast<float>(old * affine->factor[channel] + affine->offset[channel]);
  }
  graph.set_input(&linear, 1, graph.add_constant(linear.inputs[1]->name, std::move(weights)));
  graph.set_input(&linear, 2, graph.add_constant(linear.outputs[0]->name + "_bias", std::move(new_bias)));
  graph.replace_uses(next.outputs[0], x);
  graph.remove_node(&next);
  return true;
}

}  // namespace

int fold_batch_norm(Graph& graph, const PassOptions&) {
  int folded = 0;
  for (Node& node : graph.nodes()) {
    for (;;) {
      if (node.outputs.empty() || node.outputs[0] == nullptr) break;
      const Value* out = node.outputs[0];
      if (out->consumers.size() != 1 || out->graph_outputs > 0 || !weight_axis(node)) break;
      if (!fold_into(graph, node, *out->consumers[0])) break;
      ++folded;
    }
  }
  return folded;
}

}  // namespace octet
