#include "measure/inspect.h"

#include <gtest/gtest.h>

#include "graph/operator.h"

namespace octet {
namespace {

Value* floats(Graph& graph, const char* name, const Shape& shape) {
  Tensor tensor(DType::kFloat32, shape);
  for (float& value : tensor.values<float>()) value = 1;
  return graph.add_constant(name, tensor);
}

// A convolution of 8·3·3·3 weights over n×3×free×free, then a product with a 8x5 matrix, both counted by hand below.
Model network() {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 13;
  Value* x = graph.add_input("x", DType::kFloat32, Shape{Shape::kUnknown, 3, Shape::kUnknown, Shape::kUnknown});
  Node* conv = graph.add_node("", "Conv", {x, floats(graph, "w", {8, 3, 3, 3})}, "c");
  Node* pool = graph.add_node("", "GlobalAveragePool", {conv->outputs[0]}, "p");
  Node* flat = graph.add_node("", "Flatten", {pool->outputs[0]}, "f");
  Node* fc = graph.add_node("", "MatMul", {flat->outputs[0], floats(graph, "m", {8, 5})}, "y");
  graph.add_output(fc->outputs[0]);
  return model;
}

TEST(Inspect, CountsMacsAndWeights) {
  InspectOptions options;
  options.shapes["x"] = Shape{2, 3, 10, 12};
  InspectResult result = inspect_model(network(), options);
  int64_t conv = 2LL * (8 * 8 * 10) * (3 * 3 * 3);   // no padding: 8x10 outputs
  int64_t product = 2LL * 8 * 5;
  EXPECT_EQ(result.macs, conv + product);
  EXPECT_EQ(result.parameters, 8 * 27 + 40);
  EXPECT_EQ(result.weight_bytes, 4 * (8 * 27 + 40));
  EXPECT_EQ(result.operators[0].operator_type, "Conv");
  EXPECT_DOUBLE_EQ(result.static_coverage, 1);
  EXPECT_DOUBLE_EQ(result.torch_dynamic_coverage, static_cast<double>(product) / static_cast<double>(result.macs));
  EXPECT_LT(result.int8_weight_bytes, result.weight_bytes);
}

TEST(Inspect, FreeExtentsGetDefaults) {
  InspectResult result = inspect_model(network(), {});
  EXPECT_EQ(result.input_shapes[0], (Shape{1, 3, 320, 320}));
}

TEST(Inspect, RefusesUnknownInputs) {
  InspectOptions options;
  options.shapes["z"] = Shape{1};
  EXPECT_THROW(inspect_model(network(), options), Error);
}

}  // namespace
}  // namespace octet
