#include "measure/layers.h"

#include <gtest/gtest.h>

namespace octet {
namespace {

// x → Relu → h → Neg → y
Model float_model() {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 13;
  Value* x = graph.add_input("x", DType::kFloat32, Shape{4});
  Value* h = graph.add_node("", "Relu", {x}, "h")->outputs[0];
  graph.add_output(graph.add_node("", "Neg", {h}, "y")->outputs[0]);
  return model;
}

// The same with h quantized: h → QuantizeLinear → DequantizeLinear → Neg.
Model quantized_model() {
  Model model = float_model();
  Graph& graph = *model.graph;
  Node* neg = &graph.nodes().back();
  Value* h = neg->inputs[0];
  Value* scale = graph.add_constant("scale", Tensor::scalar(0.5f));
  Value* zero = graph.add_constant("zero", Tensor::scalar(uint8_t{0}));
  Value* q = graph.add_node("", "QuantizeLinear", {h, scale, zero}, "q", neg)->outputs[0];
  Value* d = graph.add_node("", "DequantizeLinear", {q, scale, zero}, "d", neg)->outputs[0];
  graph.set_input(neg, 0, d);
  return model;
}

const Node* observer(const Model& model, int64_t number) {
  for (const Node& node : model.graph->nodes())
    if (node.attributes.has("observer") && node.attributes.integer("observer") == number) return &node;
  return nullptr;
}

TEST(Layers, ComparesWhatReadersSee) {
  Model a = float_model(), b = quantized_model();
  std::vector<WatchedValue> watched = watch_common_values(a, b);
  ASSERT_EQ(watched.size(), 2u);
  EXPECT_EQ(watched[0].name, "h");
  EXPECT_EQ(watched[1].name, "y");
  a.graph->verify();
  b.graph->verify();
  ASSERT_NE(observer(a, 0), nullptr);
  ASSERT_NE(observer(b, 0), nullptr);
  EXPECT_EQ(observer(a, 0)->inputs[0]->name, "h");
  EXPECT_EQ(observer(b, 0)->inputs[0]->name, "d");
}

TEST(Layers, ValuesOfOneModelAloneAreLeftOut) {
  Model a = float_model(), b = float_model();
  b.graph->find_value("h")->name = "other";
  std::vector<WatchedValue> watched = watch_common_values(a, b);
  ASSERT_EQ(watched.size(), 1u);
  EXPECT_EQ(watched[0].name, "y");
}

}  // namespace
}  // namespace octet
