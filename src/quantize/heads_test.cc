#include "quantize/heads.h"

#include <gtest/gtest.h>

#include "quantize/prepare.h"
#include "quantize/selection.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

Value* shaped(Network& b, Value* x, std::vector<int64_t> shape) {
  Tensor tensor(DType::kInt64, Shape{static_cast<int64_t>(shape.size())});
  std::copy(shape.begin(), shape.end(), tensor.data<int64_t>());
  return b.add("Reshape", {x, b.graph.add_constant("shape", std::move(tensor))});
}
Value* product(Network& b, Value* x, Shape weights) { return b.add("MatMul", {x, b.graph.add_constant("w", random_tensor(std::move(weights), b.seed++, 0.3f))}); }

// A head whose second stage reads the boxes of the first one: distributions over 9 bins become distances, four of them a box, and the box
// a position that is added to the features.
struct TwoStages : Network {
  std::string distances, position, second;
  TwoStages() {
    Value* x = graph.add_input("features", DType::kFloat32, Shape{1, 20, 16});
    Value* y = add("Relu", {product(*this, x, {16, 16})});
    Value* bins = add("Softmax", {shaped(*this, product(*this, y, {16, 36}), {1, 20, 4, 9})});
    Value* boxes = add("Sigmoid", {shaped(*this, product(*this, bins, {9}), {1, 20, 4})});
    distances = boxes->producer->inputs[0]->producer->inputs[0]->producer->name;
    Value* embedded = product(*this, boxes, {4, 16});
    position = last->name;
    Value* sum = add("Add", {add("Relu", {embedded}), y});
    Value* scores = product(*this, sum, {16, 3});
    second = last->name;
    Value* joined = add("Concat", {boxes, add("Sigmoid", {scores})});
    last->attributes.set("axis", int64_t{2});
    graph.add_output(joined);
  }
};

const LayerReport& report_on(const std::vector<LayerReport>& layers, const std::string& name) {
  for (const LayerReport& layer : layers)
    if (layer.layer == name) return layer;
  ADD_FAILURE() << "no layer " << name;
  return layers.front();
}

TEST(Heads, DistancesAndCoordinatesStayFloat) {
  TwoStages network;
  QuantizeResult result = quantize_model(network.model, {}, frames(4, {{1, 20, 16}}));
  const LayerReport &distances = report_on(result.layers, network.distances), &position = report_on(result.layers, network.position);
  EXPECT_EQ(distances.treatment, "float");
  EXPECT_NE(distances.reason.find("decodes distances"), std::string::npos) << distances.reason;
  EXPECT_EQ(position.treatment, "float");
  EXPECT_NE(position.reason.find("coordinates"), std::string::npos) << position.reason;
  EXPECT_EQ(report_on(result.layers, network.second).treatment, "int8");
  std::string notes;
  for (const std::string& note : result.notes) notes += note + "\n";
  EXPECT_NE(notes.find("head: " + network.distances + " stays float"), std::string::npos) << notes;
  EXPECT_NE(notes.find("joins outputs in float"), std::string::npos) << notes;

  // In 8 bits boxes are worse.
  Recipe recipe;
  for (const std::string& name : {network.distances, network.position}) {
    LayerOverride entry;
    entry.name = name;
    entry.quantize = true;
    recipe.layers.push_back(entry);
  }
  QuantizeResult forced = quantize_model(network.model, recipe, frames(4, {{1, 20, 16}}));
  EXPECT_EQ(report_on(forced.layers, network.distances).treatment, "int8");
  EXPECT_EQ(report_on(forced.layers, network.position).treatment, "int8");
  EXPECT_GT(worst_sqnr(network.model, result.model, {{1, 20, 16}}, 4), worst_sqnr(network.model, forced.model, {{1, 20, 16}}, 4));

  QuantizeResult dynamic = quantize_model(network.model, {.method = Method::kDynamic}, frames(0, {}));
  EXPECT_EQ(report_on(dynamic.layers, network.distances).treatment, "float");
}

// Softmax in front of a product of two activations is attention; one result per position behind a Relu is a score.
TEST(Heads, AttentionAndScoresAreNotMeant) {
  Network b;
  Value* x = b.graph.add_input("x", DType::kFloat32, Shape{1, 20, 16});
  Value* y = product(b, x, {16, 16});
  Value* turned = b.add("Transpose", {y});
  b.last->attributes.set("perm", std::vector<int64_t>{0, 2, 1});
  Value* attended = b.add("MatMul", {b.add("Softmax", {b.add("MatMul", {y, turned})}), y});
  b.graph.add_output(product(b, b.add("Relu", {attended}), {16, 1}));
  Model prepared = prepare_float(b.model);
  for (const Node& node : prepared.graph->nodes()) EXPECT_EQ(head_reason(node), "") << node.name;
  EXPECT_TRUE(output_joins(*prepared.graph).empty());
}

// A concatenation that a layer reads again is none of the outputs.
TEST(Heads, JoinsInsideAreNotMeant) {
  Network b;
  Value* x = b.graph.add_input("x", DType::kFloat32, Shape{1, 3, 8, 8});
  Value* joined = b.add("Concat", {b.conv(x, 3, 4, 1), b.conv(x, 3, 4, 1)});
  b.last->attributes.set("axis", int64_t{1});
  Value* y = b.conv(joined, 8, 8, 1);
  Value* outputs = b.add("Concat", {b.conv(y, 8, 4, 1), b.add("Sigmoid", {b.conv(y, 8, 2, 1)})});
  b.last->attributes.set("axis", int64_t{1});
  std::string name = b.last->name;
  b.graph.add_output(outputs);
  EXPECT_EQ(output_joins(*prepare_float(b.model).graph), std::vector<std::string>{name});
}

}  // namespace
}  // namespace octet
