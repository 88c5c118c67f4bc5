#include "quantize/channel_classes.h"

#include <cstring>

#include <gtest/gtest.h>

#include "quantize/prepare.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

// Factors between 0.5 and 2 (at most 1 under a bound); the outputs must stay.
void expect_unchanged(const Model& model, const std::vector<Shape>& shapes, int least_classes) {
  Model prepared = prepare_float(model);
  ChannelClasses classes = find_channel_classes(*prepared.graph);
  EXPECT_GE(classes.count, least_classes);
  std::vector<float> factors{1};
  for (int k = 1; k < classes.count; ++k) factors.push_back(classes.bound[static_cast<size_t>(k)] > 0 ? 1.0f : 0.5f + static_cast<float>(k % 7) / 4);
  Model scaled = prepared.clone();
  ChannelClasses own = find_channel_classes(*scaled.graph);
  scale_channels(*scaled.graph, own, factors);
  scaled.graph->verify();
  EXPECT_GT(worst_sqnr(prepared, scaled, shapes), 100);
  // The factors did reach the weights.
  bool changed = false;
  for (const Node& node : scaled.graph->nodes())
    if (node.op->name == "Conv" || node.op->name == "MatMul")
      if (const Value* twin = prepared.graph->find_value(node.output(0)->name); twin != nullptr && node.inputs[1]->is_constant())
        changed |= std::memcmp(node.inputs[1]->constant().raw(), twin->producer->inputs[1]->constant().raw(), node.inputs[1]->constant().bytes()) != 0;
  EXPECT_TRUE(changed);
}

TEST(ChannelClasses, FollowResidualsDepthwiseConcatAndPooling) {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 12, 12});
  Value* y = n.add("Relu", {n.conv(x, 3, 8, 3)});
  Value* z = n.add("Add", {n.conv(n.add("LeakyRelu", {n.conv(y, 8, 8, 3, 8)}), 8, 8, 1), y});
  Value* pooled = n.add("MaxPool", {z});
  n.last->attributes.set("kernel_shape", std::vector<int64_t>{2, 2});
  n.last->attributes.set("strides", std::vector<int64_t>{2, 2});
  Value* joined = n.add("Concat", {pooled, n.conv(pooled, 8, 4, 1)});
  n.last->attributes.set("axis", int64_t{1});
  Value* gate = n.add("Sigmoid", {n.conv(n.add("GlobalAveragePool", {joined}), 12, 12, 1)});
  Value* gated = n.add("Mul", {joined, gate});
  Value* flat = n.add("Flatten", {gated});
  Tensor weights = random_tensor({12 * 36, 5}, 70, 0.1f);
  n.graph.add_output(n.add("Gemm", {flat, n.graph.add_constant("fc", std::move(weights))}));
  n.graph.add_output(n.conv(joined, 12, 2, 1, 2));
  expect_unchanged(n.model, {{1, 3, 12, 12}}, 12);
}

TEST(ChannelClasses, FollowNormalizationAndTokens) {
  Network n;
  Value* x = n.graph.add_input("tokens", DType::kFloat32, Shape{1, 10, 16});
  auto linear = [&](Value* in, int64_t k, int64_t out) {
    Value* product = n.add("MatMul", {in, n.graph.add_constant("w", random_tensor({k, out}, n.seed++, 0.2f))});
    return n.add("Add", {product, n.graph.add_constant("b", random_tensor({out}, n.seed++, 0.5f))});
  };
  Value* y = n.add("LayerNormalization", {x, n.graph.add_constant("gamma", random_tensor({16}, 90)), n.graph.add_constant("beta", random_tensor({16}, 91))});
  Value* q = linear(y, 16, 16);
  Value* k = linear(y, 16, 16);
  Value* v = linear(y, 16, 16);
  Value* scores = n.add("MatMul", {q, n.add("Transpose", {k})});
  scores->producer->inputs[1]->producer->attributes.set("perm", std::vector<int64_t>{0, 2, 1});
  Value* mixed = n.add("MatMul", {n.add("Softmax", {scores}), v});
  n.graph.add_output(n.add("Relu", {linear(mixed, 16, 8)}));
  // The normalization's and V's channels; Q and K are multiplied with each other and stay.
  expect_unchanged(n.model, {{1, 10, 16}}, 33);
  Model prepared = prepare_float(n.model);
  EXPECT_EQ(find_channel_classes(*prepared.graph).count, 33);
}

TEST(ChannelClasses, BoundsAreKnown) {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 8, 8});
  n.graph.add_output(n.conv(n.relu6(n.conv(x, 3, 4, 3)), 4, 2, 1));
  for (Node& node : n.graph.nodes()) infer_node(node);
  ChannelClasses classes = find_channel_classes(n.graph);
  ASSERT_EQ(classes.count, 5);
  for (int k = 1; k < 5; ++k) EXPECT_EQ(classes.bound[static_cast<size_t>(k)], 6);
}

// SiLU is not linear: nothing may be scaled through it.
TEST(ChannelClasses, StopAtCurves) {
  Network n;
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 3, 8, 8});
  Value* y = n.conv(x, 3, 4, 3);
  n.graph.add_output(n.conv(n.add("Mul", {y, n.add("Sigmoid", {y})}), 4, 2, 1));
  Model prepared = prepare_float(n.model);
  EXPECT_EQ(find_channel_classes(*prepared.graph).count, 1);
}

}  // namespace
}  // namespace octet
