// Fused or not, an integer product with a skip connection or an activation behind it gives the same bytes, at every level and with
// any number of threads.
#include <random>

#include <gtest/gtest.h>

#include "graph/operator.h"
#include "passes/pass.h"
#include "runtime/session.h"

namespace octet {
namespace {

class Builder {
 public:
  Builder() { model_.graph->opsets[""] = 17; }

  Value* node(std::string_view op, std::vector<Value*> inputs) {
    last_ = graph().add_node("", op, std::move(inputs), op);
    return last_->outputs[0];
  }
  Node* last() { return last_; }
  Value* input(Shape shape) {
    Tensor values(DType::kFloat32, shape);
    for (float& v : values.values<float>()) v = real(-1, 2);
    fed_.push_back(values);
    return quantized(graph().add_input("x" + std::to_string(fed_.size()), DType::kFloat32, shape), 0.0123f, 80);
  }
  Value* quantized(Value* x, float scale, int zero_point) {
    Value *s = graph().add_constant("s", Tensor::scalar(scale)), *z = graph().add_constant("z", Tensor::scalar(static_cast<uint8_t>(zero_point)));
    return node("DequantizeLinear", {node("QuantizeLinear", {x, s, z}), s, z});
  }
  Value* conv(Value* x, int64_t in, int64_t out, int64_t kernel, int64_t groups = 1) {
    Tensor values(DType::kInt8, Shape{out, in / groups, kernel, kernel}), bias(DType::kFloat32, Shape{out});
    for (int8_t& v : values.values<int8_t>()) v = static_cast<int8_t>(static_cast<int>(random_() % 255) - 127);
    for (float& v : bias.values<float>()) v = real(-0.5f, 0.5f);
    Value* weights = node("DequantizeLinear", {graph().add_constant("w", values), graph().add_constant("ws", Tensor::scalar(0.004f / static_cast<float>(kernel * kernel)))});
    Value* y = node("Conv", {x, weights, graph().add_constant("b", bias)});
    last_->attributes.set("pads", std::vector<int64_t>(4, kernel / 2));
    last_->attributes.set("group", groups);
    return y;
  }
  void output(Value* y) { graph().add_output(y); }

  // How often the fused operator runs, and that the bytes stay.
  int check(std::string_view fused) {
    EngineOptions apart;
    apart.disabled_passes.insert("fuse-epilogues");
    Session plain = make_session(model_.clone(), {.threads = 1, .isa = "reference"}, apart);
    std::vector<Tensor> expected;
    for (const Tensor& y : plain.run(fed_)) expected.push_back(y.clone());
    int found = 0;
    for (Isa isa : supported_isas()) {
      for (int threads : {1, 3}) {
        Session session = make_session(model_.clone(), {.threads = threads, .isa = isa_name(isa), .profile = true});
        auto actual = session.run(fed_);
        for (size_t i = 0; i < expected.size(); ++i)
          for (int64_t k = 0; k < expected[i].elements(); ++k)
            EXPECT_EQ(actual[i].data<float>()[k], expected[i].data<float>()[k]) << isa_name(isa) << ", output " << i << ", element " << k;
        found = 0;
        for (const StepProfile& step : session.profile()) found += step.operator_type == fused;
        if (testing::Test::HasFailure()) return found;
      }
    }
    return found;
  }

 private:
  Graph& graph() { return *model_.graph; }
  float real(float low, float high) { return std::uniform_real_distribution<float>(low, high)(random_); }

  Model model_;
  std::vector<Tensor> fed_;
  Node* last_ = nullptr;
  std::mt19937 random_{3};
};

constexpr char kAdd[] = "QLinearConvAdd", kFunction[] = "QLinearConvFunction";

TEST(FuseEpilogues, AddsTheSkipConnection) {
  Builder b;
  Value* x = b.input({2, 40, 9, 7});
  Value* y = b.quantized(b.node("Relu", {b.conv(x, 40, 70, 3)}), 0.01f, 3);
  Value* z = b.quantized(b.conv(y, 70, 40, 1), 0.013f, 140);
  b.output(b.quantized(b.node("Relu", {b.node("Add", {z, x})}), 0.017f, 5));
  EXPECT_EQ(b.check(kAdd), 1);
}

TEST(FuseEpilogues, OfTwoConvolutionsTheLaterOneAdds) {
  Builder b;
  Value* x = b.input({1, 33, 8, 8});
  Value* main = b.quantized(b.node("Relu", {b.conv(x, 33, 48, 3)}), 0.011f, 0);   // with a range of its own
  Value* side = b.quantized(b.conv(x, 33, 48, 1), 0.009f, 120);
  b.output(b.quantized(b.node("Add", {main, side}), 0.015f, 90));
  EXPECT_EQ(b.check(kAdd), 1);
}

TEST(FuseEpilogues, LeavesAdditionsThatDoNotFit) {
  Builder b;
  Value* x = b.input({1, 32, 6, 6});
  Value* read_twice = b.quantized(b.conv(x, 32, 32, 1), 0.01f, 128);
  Value* sum = b.quantized(b.node("Add", {read_twice, x}), 0.02f, 100);
  b.output(b.quantized(b.node("Mul", {read_twice, sum}), 0.02f, 100));
  Value* depthwise = b.quantized(b.conv(x, 32, 32, 3, 32), 0.01f, 128);
  b.output(b.quantized(b.node("Add", {x, depthwise}), 0.02f, 100));
  Value* small = b.input({1, 32, 1, 1});
  b.output(b.quantized(b.node("Add", {small, b.quantized(b.conv(x, 32, 32, 1), 0.01f, 99)}), 0.02f, 100));
  EXPECT_EQ(b.check(kAdd), 0);
}

TEST(FuseEpilogues, AppliesActivations) {
  for (const char* function : {"HardSwish", "HardSigmoid", "LeakyRelu", "Sigmoid", "Elu", "Softplus"}) {
    for (int64_t groups : {1, 72}) {
      Builder b;
      Value* x = b.input({1, 72, 10, 11});
      b.output(b.quantized(b.node(function, {b.conv(x, 72, 72, 3, groups)}), 0.021f, 30));
      EXPECT_EQ(b.check(kFunction), 1) << function;
    }
  }
}

TEST(FuseEpilogues, AppliesSilu) {
  Builder b;
  Value* y = b.conv(b.input({1, 20, 12, 12}), 20, 100, 1);
  b.output(b.quantized(b.node("Mul", {y, b.node("Sigmoid", {y})}), 0.02f, 16));
  EXPECT_EQ(b.check(kFunction), 1);
}

TEST(FuseEpilogues, LeavesActivationsThatOthersRead) {
  Builder b;
  Value* y = b.node("HardSwish", {b.conv(b.input({1, 16, 5, 5}), 16, 24, 1)});
  b.output(y);
  b.output(b.quantized(y, 0.02f, 16));
  EXPECT_EQ(b.check(kFunction), 0);
}

}  // namespace
}  // namespace octet
