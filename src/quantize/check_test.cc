#include "quantize/check.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/operator.h"

namespace octet {
namespace {

Model chain() {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 13;
  Value* x = graph.add_input("x", DType::kFloat32, Shape{1, 8});
  for (const char* name : {"encoder/first", "encoder/second", "head/boxes"}) {
    Node* node = graph.add_node("", "MatMul", {x, graph.add_constant("w", Tensor(DType::kFloat32, Shape{8, 8}))}, "y");
    node->name = name;
    infer_node(*node);
    x = node->outputs[0];
  }
  graph.add_output(x);
  return model;
}

std::string refusal(const Recipe& recipe, const Model& source) {
  try {
    check_overrides(source, chain(), recipe);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

Recipe with(LayerOverride entry) {
  Recipe recipe;
  recipe.layers = {{.name = "head/*", .op = ""}, std::move(entry)};
  return recipe;
}

TEST(CheckOverrides, AcceptsWhatMatches) {
  EXPECT_EQ(refusal(with({.name = "encoder/*", .op = "MatMul"}), chain()), "");
  EXPECT_EQ(refusal(with({.name = "", .op = "MatMul"}), chain()), "");
}

TEST(CheckOverrides, NamesTheOverrideAndWhatItMayHaveMeant) {
  std::string message = refusal(with({.name = "encodr/first", .op = ""}), chain());
  EXPECT_NE(message.find("name = \"encodr/first\" matches no layer"), std::string::npos) << message;
  EXPECT_NE(message.find("did you mean 'encoder/first'?"), std::string::npos) << message;
  message = refusal(with({.name = "encoder/other_layer_*", .op = ""}), chain());
  EXPECT_NE(message.find("begin alike: encoder/first, encoder/second"), std::string::npos) << message;
  message = refusal(with({.name = "", .op = "MatMull"}), chain());
  EXPECT_NE(message.find("did you mean 'MatMul'?"), std::string::npos) << message;
  message = refusal(with({.name = "head/*", .op = "Conv"}), chain());
  EXPECT_NE(message.find("op = \"Conv\" matches no layer"), std::string::npos) << message;
}

TEST(CheckOverrides, TellsWhatIsFoldedAway) {
  Model source = chain();
  Node* node = source.graph->add_node("", "Relu", {source.graph->inputs[0]}, "r");
  node->name = "norm";
  std::string message = refusal(with({.name = "norm", .op = ""}), source);
  EXPECT_NE(message.find("becomes part of other layers"), std::string::npos) << message;
}

}  // namespace
}  // namespace octet
