// Residual additions, normalizations and quantizations as transformers have them, fused and as they stand: the same bytes. And the way
// from the pixels of a convolution to tokens, which copies nothing.
#include <gtest/gtest.h>

#include <cstring>

#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {
namespace {

class Transformer {
 public:
  Transformer() { model_.graph->opsets[""] = 17; }
  Graph& graph() { return *model_.graph; }
  Value* node(std::string_view op, std::vector<Value*> inputs, std::vector<std::pair<const char*, AttributeValue>> attributes = {}) {
    Node* added = graph().add_node("", op, std::move(inputs), std::string(op));
    for (auto& [name, value] : attributes) added->attributes.set(name, std::move(value));
    return added->outputs[0];
  }
  Tensor random(Shape shape) {
    Tensor values(DType::kFloat32, shape);
    for (float& v : values.values<float>()) {
      state_ = state_ * 1664525u + 1013904223u;
      v = static_cast<float>(state_ >> 8) / 8388608.0f * 2 - 2;
    }
    return values;
  }
  Value* input(Shape shape) {
    Value* x = graph().add_input("x" + std::to_string(fed_.size()), DType::kFloat32, shape);
    fed_.push_back(random(shape));
    return x;
  }
  Value* constant(Shape shape) { return graph().add_constant("c", random(shape)); }
  Value* quantized(Value* x, float scale, int zero_point, DType type = DType::kUInt8) {
    Tensor zero(type, Shape{});
    *static_cast<uint8_t*>(zero.raw()) = static_cast<uint8_t>(zero_point);
    scale_ = graph().add_constant("s", Tensor::scalar(scale)), zero_ = graph().add_constant("z", zero);
    return node("QuantizeLinear", {x, scale_, zero_});
  }
  Value* dequantized(Value* x) { return node("DequantizeLinear", {x, scale_, zero_}); }
  Value* norm(Value* x, int64_t columns, bool bias = true) {
    std::vector<Value*> inputs = {x, constant({columns})};
    if (bias) inputs.push_back(constant({columns}));
    return node("LayerNormalization", inputs, {{"axis", int64_t{-1}}});
  }

  // How many steps of each operator ran, after comparing with the same graph without the pass.
  std::map<std::string, int> check(std::vector<Value*> outputs, const char* pass, float tolerance = 0) {
    for (Value* y : outputs) graph().add_output(y);
    EngineOptions as_it_stands;
    as_it_stands.disabled_passes.insert(pass);
    Session plain = make_session(model_.clone(), {.threads = 1}, as_it_stands);
    std::vector<Tensor> expected;
    for (const Tensor& y : plain.run(fed_)) expected.push_back(y.clone());
    std::map<std::string, int> steps;
    for (int threads : {1, 3}) {
      Session fused = make_session(model_.clone(), {.threads = threads, .profile = true});
      const auto& actual = fused.run(fed_);
      steps.clear();
      for (const StepProfile& profile : fused.profile()) {
        ++steps[profile.operator_type];
        EXPECT_NE(profile.kernel, "reference") << profile.operator_type;
      }
      for (size_t i = 0; i < expected.size(); ++i)
        if (tolerance > 0)   // reference evaluations add in another order
          for (int64_t j = 0; j < expected[i].elements(); ++j) EXPECT_NEAR(actual[i].data<float>()[j], expected[i].data<float>()[j], tolerance);
        else EXPECT_EQ(std::memcmp(actual[i].raw(), expected[i].raw(), expected[i].bytes()), 0) << "output " << i << ", " << threads << " threads";
    }
    return steps;
  }

 private:
  Model model_;
  std::vector<Tensor> fed_;
  Value *scale_ = nullptr, *zero_ = nullptr;
  uint32_t state_ = 11;
};

using Steps = std::map<std::string, int>;

TEST(FusedNormalization, AddsAndQuantizes) {
  for (bool keeps_sum : {false, true})
    for (bool bias : {false, true}) {
      Transformer m;
      Value* sum = m.node("Add", {m.input({2, 50, 67}), m.input({2, 50, 67})});
      Value* y = m.quantized(m.norm(sum, 67, bias), 0.02f, 120);
      std::vector<Value*> outputs = {y};
      if (keeps_sum) outputs.push_back(m.node("Relu", {sum}));
      Steps want = {{"FusedNormalization", 1}};
      if (keeps_sum) want["Relu"] = 1;
      EXPECT_EQ(m.check(outputs, "fuse-normalization"), want);
    }
}

TEST(FusedNormalization, ReadsDequantizedResidual) {
  for (bool first : {false, true}) {
    Transformer m;
    Value *x = m.input({1, 9, 64}), *skip = m.dequantized(m.quantized(m.input({1, 9, 64}), 0.03f, -7, DType::kInt8));
    Value* y = m.norm(m.node("Add", {first ? skip : x, first ? x : skip}), 64);
    EXPECT_EQ(m.check({y}, "fuse-normalization"), (Steps{{"FusedNormalization", 1}, {"QuantizeLinear", 1}}));
  }
}

TEST(FusedNormalization, QuantizesAlone) {
  Transformer m;
  EXPECT_EQ(m.check({m.quantized(m.norm(m.input({30, 16}), 16), 0.05f, 3, DType::kInt8)}, "fuse-normalization"), (Steps{{"FusedNormalization", 1}}));
}

TEST(FusedNormalization, LeavesWhatItCannotDo) {
  Transformer m;   // a broadcast addition; a result that is wanted in float as well
  Value* y = m.norm(m.node("Add", {m.input({2, 50, 8}), m.input({1, 50, 8})}), 8);
  EXPECT_EQ(m.check({m.quantized(y, 0.02f, 120), m.node("Relu", {y})}, "fuse-normalization"),
            (Steps{{"Add", 1}, {"LayerNormalization", 1}, {"QuantizeLinear", 1}, {"Relu", 1}}));
}

TEST(FuseActivations, SumsClampThemselves) {
  Transformer m;
  Value *a = m.input({2, 3, 5, 7}), *b = m.input({2, 3, 5, 7}), *c = m.input({7});
  EXPECT_EQ(m.check({m.node("Relu", {m.node("Add", {a, b})}), m.node("Relu", {m.node("Add", {b, c})})}, "fuse-activations"), (Steps{{"ClampedAdd", 2}}));
}

// Patches of a picture to tokens: the channels lie innermost from the convolution on.
TEST(ChooseLayout, TokensOfAConvolution) {
  Transformer m;
  Value* patches = m.node("Conv", {m.input({1, 3, 16, 16}), m.constant({24, 3, 4, 4})}, {{"strides", std::vector<int64_t>{4, 4}}});
  Value* shape = m.graph().add_constant("shape", Tensor::from<int64_t>(Shape{3}, std::vector<int64_t>{1, 24, 16}));
  Value* tokens = m.node("Transpose", {m.node("Reshape", {patches, shape})}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  Value* y = m.norm(m.node("Add", {tokens, m.constant({1, 16, 24})}), 24);
  EXPECT_EQ(m.check({m.node("MatMul", {y, m.constant({24, 5})})}, "choose-layout", 1e-3f),
            (Steps{{"Conv", 1}, {"Relayout", 1}, {"Add", 1}, {"LayerNormalization", 1}, {"MatMul", 1}}));
}

}  // namespace
}  // namespace octet
