#include "quantize/recipe.h"

#include <gtest/gtest.h>

#include "octet/error.h"

namespace octet {
namespace {

TEST(Recipe, ReadsAndWritesItself) {
  Recipe recipe = parse_recipe(R"(
[preprocess]
scale = "1/255"
[quantize]
method = "static"
calibrator = "mse"
activations = "int8"
equalize = true
rounding = "adaround"
bias_correction = "data"
[[quantize.layers]]
op = "Softmax"
quantize = false
[[quantize.layers]]
name = "head*"
weights = "tensor"
)", "r.toml");
  EXPECT_EQ(recipe.calibrator, Calibrator::kMse);
  EXPECT_EQ(recipe.activations, DType::kInt8);
  EXPECT_TRUE(recipe.equalize);
  EXPECT_EQ(recipe.rounding, Rounding::kAdaRound);
  EXPECT_EQ(recipe.bias_correction, BiasCorrection::kData);
  EXPECT_FALSE(recipe.layer("a", "Softmax").quantize);
  EXPECT_TRUE(recipe.layer("a", "Conv").quantize);
  EXPECT_EQ(recipe.layer("head.3", "Conv").weights, Granularity::kTensor);
  std::string text = recipe_to_toml(recipe);
  EXPECT_EQ(recipe_to_toml(parse_recipe(text, "again")), text);
}

TEST(Recipe, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(parse_recipe("[quantize]\nmethot = \"static\"\n", "r.toml"), Error);
  EXPECT_THROW(parse_recipe("[quantize]\nmethod = \"magic\"\n", "r.toml"), Error);
  EXPECT_THROW(parse_recipe("[quantize]\nrounding = \"up\"\n", "r.toml"), Error);
  EXPECT_THROW(rounding_from_name("up"), Error);
  EXPECT_THROW(parse_recipe("[quantize]\nequalize_strength = 2\n", "r.toml"), Error);
  EXPECT_THROW(parse_recipe("[quantize]\npercentile = 12\n", "r.toml"), Error);
  EXPECT_THROW(parse_recipe("[[quantize.layers]]\nquantize = false\n", "r.toml"), Error);
  EXPECT_THROW(parse_recipe("[quantise]\nmethod = \"static\"\n", "r.toml"), Error);
}

TEST(Recipe, Patterns) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("/model/*/conv?", "/model/a/b/conv1"));
  EXPECT_FALSE(matches_pattern("head", "head1"));
  EXPECT_FALSE(matches_pattern("a*b", "acbd"));
}

TEST(Recipe, NamesItsTables) {
  EXPECT_EQ(recipe_tables("[task]\nkind = \"auto\"\n[inputs.size]\nkind = \"ones\"\n", "r.toml"),
            (std::vector<std::string>{"inputs", "inputs.size", "task"}));
  EXPECT_TRUE(recipe_tables("", "r.toml").empty());
}

}  // namespace
}  // namespace octet
