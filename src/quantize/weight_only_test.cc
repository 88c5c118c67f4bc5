#include <gtest/gtest.h>

#include "quantize/prepare.h"
#include "quantize/testing.h"
#include "quantize/weights.h"

namespace octet {
namespace {

using namespace testing;

TEST(QuantizeBlocks, EveryBlockHasItsScale) {
  // Rows of 5 in blocks of 4 along axis 0 of a 5 × 2 matrix.
  Tensor w = Tensor::from<float>(Shape{5, 2}, std::vector<float>{127, 1, 63.5f, 2, 1, 3, 0, 127, 254, 0});
  BlockWeights q = quantize_blocks(w, 0, 4, 8);
  EXPECT_EQ(q.scales.shape(), (Shape{2, 2}));
  EXPECT_EQ(q.scales.data<float>()[0], 1);
  EXPECT_EQ(q.scales.data<float>()[1], 1);
  EXPECT_EQ(q.scales.data<float>()[2], 2);
  EXPECT_EQ(q.scales.data<float>()[3], 1);   // a block of zeros
  EXPECT_EQ(q.values.data<int8_t>()[2], 64);
  EXPECT_EQ(q.values.data<int8_t>()[8], 127);
}

TEST(QuantizeBlocks, FourBitsPackTwoToAByteAndSearchTheScale) {
  Tensor w = random_tensor({8, 64}, 3);
  BlockWeights q = quantize_blocks(w, 1, 32, 4);
  EXPECT_EQ(q.values.dtype(), DType::kInt4);
  EXPECT_EQ(q.values.bytes(), 256u);
  EXPECT_EQ(q.scales.shape(), (Shape{8, 2}));
  double signal = 0, noise = 0, plain = 0;
  const auto* bytes = static_cast<const uint8_t*>(q.values.raw());
  for (int64_t i = 0; i < w.elements(); ++i) {
    int nibble = bytes[i / 2] >> (i % 2 * 4) & 15;
    double value = (nibble > 7 ? nibble - 16 : nibble) * q.scales.data<float>()[i / 32], exact = w.data<float>()[i];
    float largest = 0;
    for (int64_t k = i / 32 * 32; k < i / 32 * 32 + 32; ++k) largest = std::max(largest, std::abs(w.data<float>()[k]));
    double simple = std::nearbyint(exact / (largest / 7)) * (largest / 7);
    signal += exact * exact;
    noise += (value - exact) * (value - exact);
    plain += (simple - exact) * (simple - exact);
  }
  EXPECT_LT(noise, plain);
  EXPECT_GT(10 * std::log10(signal / noise), 19);
}

TEST(QuantizeWeightOnly, FourBitBlocksRaiseTheOpsetAndKeepTheResult) {
  Network n(13);
  Value* x = n.graph.add_input("picture", DType::kFloat32, Shape{1, 32, 8, 8});
  Value* y = n.add("Relu", {n.conv(x, 32, 64, 3)});
  y = n.conv(y, 64, 64, 3, 64);   // depthwise: a scale per channel as before
  y = n.add("ReduceMean", {n.conv(y, 64, 32, 1)});
  n.last->attributes.set("axes", std::vector<int64_t>{2, 3});
  n.graph.add_output(y);
  Recipe recipe;
  recipe.method = Method::kWeightOnly;
  recipe.weight_bits = 4;
  recipe.block = 32;
  QuantizeResult result = quantize_model(n.model, recipe, CalibrationFrames(frames(0, {})));
  EXPECT_EQ(result.model.graph->opsets[""], kBlockOpset);
  int blocks = 0;
  for (const Node& node : result.model.graph->nodes())
    if (node.op->dequantizes && node.attributes.integer("block_size", 0) == 32) {
      ++blocks;
      EXPECT_EQ(node.inputs[0]->dtype, DType::kInt4);
    }
  EXPECT_EQ(blocks, 2);
  EXPECT_GT(worst_sqnr(n.model, result.model, {{1, 32, 8, 8}}), 14);
  EXPECT_EQ(result.layers[0].treatment, "weights int4");
}

// A normalization written out becomes one operator, and the file must be able to say which.
TEST(QuantizeWeightOnly, FusedOperatorsAreOfTheFilesOpset) {
  Network n(13);
  Value* x = n.graph.add_input("tokens", DType::kFloat32, Shape{1, 10, 32});
  auto mean = [&](Value* of) {
    Value* result = n.add("ReduceMean", {of});
    n.last->attributes.set("axes", std::vector<int64_t>{-1});
    return result;
  };
  Value* centred = n.add("Sub", {x, mean(x)});
  Value* squared = n.add("Pow", {centred, n.graph.add_constant("two", Tensor::scalar(2.0f))});
  Value* root = n.add("Sqrt", {n.add("Add", {mean(squared), n.graph.add_constant("epsilon", Tensor::scalar(1e-5f))})});
  Value* scaled = n.add("Mul", {n.add("Div", {centred, root}), n.graph.add_constant("gamma", random_tensor({32}, 90))});
  Value* y = n.add("Add", {scaled, n.graph.add_constant("beta", random_tensor({32}, 91))});
  n.graph.add_output(n.add("MatMul", {y, n.graph.add_constant("w", random_tensor({32, 64}, 92, 0.2f))}));
  Recipe recipe;
  recipe.method = Method::kWeightOnly;
  recipe.weight_bits = 4;
  recipe.block = 32;
  QuantizeResult result = quantize_model(n.model, recipe, CalibrationFrames(frames(0, {})));
  int normalizations = 0;
  for (const Node& node : result.model.graph->nodes()) {
    normalizations += node.op->name == "LayerNormalization";
    if (node.op->domain.empty()) EXPECT_LE(node.version, kBlockOpset) << node.op->name;
  }
  EXPECT_EQ(normalizations, 1);
}

}  // namespace
}  // namespace octet
