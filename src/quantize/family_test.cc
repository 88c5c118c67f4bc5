#include "quantize/family.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "octet/error.h"
#include "onnx/reader.h"
#include "quantize/prepare.h"
#include "quantize/recipe.h"
#include "quantize/testing.h"

namespace octet {
namespace {

using namespace testing;

std::string family_of(const Model& model, std::string_view task = "auto") {
  FamilyChoice choice = choose_family(*prepare_float(model).graph, task);
  EXPECT_FALSE(choice.reason.empty());
  return std::string(choice.recipe != nullptr ? choice.recipe->key : "none");
}

Value* strided(Network& b, Value* x, int64_t in, int64_t out) {
  Value* y = b.conv(x, in, out, 3);
  b.last->attributes.set("strides", std::vector<int64_t>{2, 2});
  return b.add("Relu", {y});
}
Value* enlarged(Network& b, Value* x) {
  Value* y = b.add("Resize", {x, nullptr, b.graph.add_constant("scales", Tensor::of<float>({1, 1, 2, 2}))});
  b.last->attributes.set("mode", std::string("nearest"));
  return y;
}
Value* joined(Network& b, std::vector<Value*> parts) {
  Value* y = b.add("Concat", std::move(parts));
  b.last->attributes.set("axis", int64_t{1});
  return y;
}
Value* product(Network& b, Value* x, int64_t in, int64_t out) {
  return b.add("MatMul", {x, b.graph.add_constant("w", random_tensor({in, out}, b.seed++, 0.3f))});
}
Value* attention(Network& b, Value* x, int64_t width) {
  Value* turned = b.add("Transpose", {product(b, x, width, width)});
  b.last->attributes.set("perm", std::vector<int64_t>{0, 2, 1});
  Value* shares = b.add("Softmax", {b.add("MatMul", {product(b, x, width, width), turned})});
  return b.add("MatMul", {shares, product(b, x, width, width)});
}
Value* picture(Network& b, int64_t batch = 1) { return b.graph.add_input("picture", DType::kFloat32, Shape{batch, 3, 32, 32}); }
Value* classes(Network& b, Value* x, int64_t in) {
  Value* y = b.add("Flatten", {b.add("GlobalAveragePool", {x})});
  return product(b, y, in, 10);
}

Model classifier(bool depthwise, int64_t batch = 1) {
  Network b;
  Value* x = strided(b, picture(b, batch), 3, 8);
  x = b.add("Relu", {b.conv(x, 8, 8, 3, depthwise ? 8 : 1)});
  x = b.add("Relu", {b.conv(x, 8, 8, 1)});
  b.graph.add_output(classes(b, x, 8));
  return std::move(b.model);
}

// Heads on two maps; `joins`: the deeper one is enlarged and joined with the other, `one_output`: one concatenation at the end.
Model detector(bool joins, bool one_output) {
  Network b;
  Value* x = strided(b, picture(b), 3, 8);
  Value* deep = strided(b, x, 8, 8);
  Value* wide = joins ? b.add("Relu", {b.conv(joined(b, {x, enlarged(b, deep)}), 16, 8, 1)}) : x;
  std::vector<Value*> heads;
  for (Value* map : one_output ? std::vector<Value*>{wide} : std::vector<Value*>{wide, deep})
    for (int64_t channels : {4, 2}) heads.push_back(b.conv(map, 8, channels, 1));
  if (one_output) heads = {joined(b, heads)};
  for (Value* head : heads) b.graph.add_output(head);
  return std::move(b.model);
}

Model heat_map() {
  Network b;
  Value* x = strided(b, strided(b, strided(b, picture(b), 3, 8), 8, 8), 8, 8);
  b.graph.add_output(b.conv(enlarged(b, x), 8, 17, 1));
  return std::move(b.model);
}

Model transformer(bool queries) {
  Network b;
  Value* x = b.graph.add_input("tokens", DType::kFloat32, Shape{1, 12, 16});
  x = attention(b, x, 16);
  if (queries) {
    Value* scores = b.add("ReduceMax", {product(b, x, 16, 4)});
    b.last->attributes.set("axes", std::vector<int64_t>{-1});
    b.last->attributes.set("keepdims", int64_t{0});
    Node* best = b.graph.add_node("", "TopK", {scores, b.graph.add_constant("k", Tensor::of<int64_t>({5}))}, "best", nullptr, 2);
    Value* chosen = b.add("Gather", {x, b.add("Squeeze", {best->outputs[1], b.graph.add_constant("axes", Tensor::of<int64_t>({0}))})});
    b.last->attributes.set("axis", int64_t{1});
    x = attention(b, chosen, 16);
  }
  b.graph.add_output(product(b, x, 16, 4));
  return std::move(b.model);
}

Model recurrent() {
  Network b;
  Value* x = b.graph.add_input("steps", DType::kFloat32, Shape{6, 1, 8});
  Value* w = b.graph.add_constant("w", random_tensor({1, 64, 8}, 1, 0.2f));
  Value* r = b.graph.add_constant("r", random_tensor({1, 64, 16}, 2, 0.2f));
  Value* y = b.add("LSTM", {x, w, r});
  b.last->attributes.set("hidden_size", int64_t{16});
  b.graph.add_output(product(b, y, 16, 3));
  return std::move(b.model);
}

TEST(Family, IsChosenFromTheGraph) {
  EXPECT_EQ(family_of(classifier(false)), "resnet");
  EXPECT_EQ(family_of(classifier(true)), "mobilenet");
  EXPECT_EQ(family_of(classifier(true, Shape::kUnknown)), "mobilenet");   // free extents hide no layers
  EXPECT_EQ(family_of(detector(true, false)), "yolo");
  EXPECT_EQ(family_of(detector(true, true)), "yolo");
  EXPECT_EQ(family_of(detector(false, false)), "ssd");
  EXPECT_EQ(family_of(heat_map()), "pose");
  EXPECT_EQ(family_of(transformer(false)), "encoder");
  EXPECT_EQ(family_of(recurrent()), "recurrent");
}

TEST(Family, ChosenQueriesMakeADetector) { EXPECT_EQ(family_of(transformer(true)), "detr"); }

TEST(Family, TheDecoderKnowsBetter) {
  EXPECT_EQ(family_of(detector(false, false), "yolox"), "yolo");
  EXPECT_EQ(family_of(detector(true, false), "yunet"), "ssd");
  EXPECT_EQ(family_of(heat_map(), "detr"), "detr");
  EXPECT_EQ(family_of(classifier(true), "classify"), "mobilenet");
  EXPECT_EQ(family_of(recurrent(), "classify"), "recurrent");
}

TEST(Family, NoneFitsWhatHasNoLayersOfTheKind) {
  Network b;
  Value* x = b.graph.add_input("x", DType::kFloat32, Shape{1, 8});
  b.graph.add_output(product(b, b.add("Relu", {product(b, x, 8, 8)}), 8, 2));
  EXPECT_EQ(family_of(b.model), "none");
}

// Every recipe can be read, names itself, and changes nothing but [quantize].
TEST(Family, RecipesAreSound) {
  ASSERT_EQ(family_recipes().size(), 8u);
  for (const FamilyRecipe& family : family_recipes()) {
    EXPECT_FALSE(family.name.empty());
    EXPECT_EQ(&family_recipe(family.key), &family);
    EXPECT_EQ(recipe_tables(family.toml, family.key), std::vector<std::string>{"quantize"}) << family.key;
    Recipe recipe = parse_recipe(family.toml, family.key);
    EXPECT_TRUE(recipe.layers.empty()) << family.key;   // names of layers are a model's, not a family's
  }
  EXPECT_THROW(family_recipe("yollo"), Error);
}

// The user's keys win, one by one; the family's others stay.
TEST(Family, UsersKeysWin) {
  Recipe base = parse_recipe("[quantize]\nequalize = true\ncalibrator = \"minmax\"\n[[quantize.layers]]\nname = \"a\"\nquantize = false\n", "family");
  Recipe recipe = parse_recipe("[quantize]\ncalibrator = \"entropy\"\n[[quantize.layers]]\nname = \"a\"\nquantize = true\n", "user", base);
  EXPECT_TRUE(recipe.equalize);
  EXPECT_EQ(recipe.calibrator, Calibrator::kEntropy);
  EXPECT_TRUE(recipe.layer("a", "Conv").quantize);
  EXPECT_TRUE(parse_recipe("[task]\nkind = \"none\"\n", "user", base).equalize);
  EXPECT_FALSE(parse_recipe("[quantize]\nequalize = false\n", "user", base).equalize);
  EXPECT_EQ(recipe_keys("[quantize]\nequalize = false\n", "user"), std::vector<std::string>{"equalize"});
}

TEST(Family, OfRealModels) {
  const char* shared = std::getenv("OCTET_SHARED");
  std::filesystem::path folder = std::filesystem::path(shared != nullptr ? shared : OCTET_SOURCE_DIR "/../shared") / "models";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no models in " << folder << ": set OCTET_SHARED";
  static constexpr struct { const char *model, *family; } kCases[] = {
      {"resnet20_cifar10", "resnet"}, {"neu_steel_a", "resnet"}, {"neu_steel_b", "resnet"}, {"pcb_simple", "resnet"}, {"mnist_cnn", "resnet"},
      {"mobilenetv2_imagenet", "mobilenet"}, {"tinycnn_cifar10", "mobilenet"}, {"yolox_nano", "yolo"}, {"fastestdet", "yolo"},
      {"ultraface_rfb320", "ssd"}, {"yunet_320", "ssd"}, {"yunet_dynamic", "ssd"}, {"deimv2_atto", "detr"}, {"lstr_lanes", "detr"},
      {"vit_mnist", "encoder"}, {"ort_bert_toy", "encoder"}, {"turbofan_lstm", "recurrent"}, {"gesture_lstm", "recurrent"}, {"byte_sb_bidi_lstm", "recurrent"}, {"dtln_1", "recurrent"},
      {"simplepose", "pose"}};
  for (const auto& [model, family] : kCases) {
    std::filesystem::path path = folder / (std::string(model) + ".onnx");
    if (std::filesystem::exists(path)) EXPECT_EQ(family_of(read_model(path.string())), family) << model;
  }
}

}  // namespace
}  // namespace octet
