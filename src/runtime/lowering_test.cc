// Quantized graphs as quantizers write them, run as they stand in float and lowered to integers: the same bytes up to one step (a sum that
// rounds the other way in float), and the integer kernel must have run.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {
namespace {

class Builder {
 public:
  explicit Builder(uint32_t seed) : state_(seed * 2654435761u + 1) { model_.graph->opsets[""] = 17; }

  Graph& graph() { return *model_.graph; }

  // A float input, quantized and dequantized.
  Value* input(Shape shape, float scale, int zero_point, DType dtype = DType::kUInt8) {
    Value* x = graph().add_input("x" + std::to_string(fed_.size()), DType::kFloat32, shape);
    Tensor values(DType::kFloat32, shape);
    for (float& v : values.values<float>()) v = real(-1, 2);
    fed_.push_back(values);
    return requantized(x, scale, zero_point, dtype);
  }
  Value* requantized(Value* x, float scale, int zero_point, DType dtype = DType::kUInt8) {
    Value *s = graph().add_constant("s", Tensor::scalar(scale)), *z = graph().add_constant("z", byte(dtype, zero_point));
    return node("DequantizeLinear", {node("QuantizeLinear", {x, s, z}), s, z});
  }
  // Constant int8 weights behind DequantizeLinear, one scale per position along `axis`.
  Value* weights(Shape shape, int axis) {
    Tensor values(DType::kInt8, shape), zeros(DType::kInt8, Shape{shape[axis]}), scales(DType::kFloat32, Shape{shape[axis]});
    for (int8_t& v : values.values<int8_t>()) v = static_cast<int8_t>(static_cast<int>(next() % 255) - 127);
    for (float& v : scales.values<float>()) v = real(0.002f, 0.01f);
    for (int8_t& v : zeros.values<int8_t>()) v = 0;
    scales_ = scales;
    Value* dequantized = node("DequantizeLinear", {graph().add_constant("w", values), graph().add_constant("ws", scales), graph().add_constant("wz", zeros)});
    dequantized->producer->attributes.set("axis", int64_t{axis});
    return dequantized;
  }
  // An int32 bias at the scale of the sums with the last weights.
  Value* bias(float x_scale) {
    int64_t count = scales_.elements();
    Tensor values(DType::kInt32, Shape{count}), scales(DType::kFloat32, Shape{count});
    for (int32_t& v : values.values<int32_t>()) v = static_cast<int32_t>(next() % 8000) - 4000;
    for (int64_t i = 0; i < count; ++i) scales.data<float>()[i] = x_scale * scales_.data<float>()[i];
    Value* dequantized = node("DequantizeLinear", {graph().add_constant("b", values), graph().add_constant("bs", scales)});
    dequantized->producer->attributes.set("axis", int64_t{0});
    return dequantized;
  }
  Value* float_bias(int64_t count) {
    Tensor values(DType::kFloat32, Shape{count});
    for (float& v : values.values<float>()) v = real(-0.3f, 0.3f);
    return graph().add_constant("fb", values);
  }
  Value* node(std::string_view op, std::vector<Value*> inputs, std::vector<std::pair<const char*, AttributeValue>> attributes = {}) {
    Node* added = graph().add_node("", op, std::move(inputs), op);
    for (auto& [name, value] : attributes) added->attributes.set(name, std::move(value));
    return added->outputs[0];
  }

  // Compares what comes out with and without lowering, in steps of `scale`.
  void check(Value* y, float step, const char* kernel, const char* absent = "QuantizeLinear never") {
    graph().add_output(y);
    EngineOptions as_it_stands;
    as_it_stands.disabled_passes.insert("lower-quantized");
    Session plain = make_session(model_.clone(), {.threads = 1}, as_it_stands);
    Session lowered = make_session(model_.clone(), {.threads = 2, .profile = true});
    Tensor expected = plain.run(fed_)[0].clone();
    const Tensor& actual = lowered.run(fed_)[0];
    std::string kernels;
    for (const StepProfile& profile : lowered.profile()) kernels += profile.operator_type + ":" + profile.kernel + " ";
    EXPECT_NE(kernels.find(kernel), std::string::npos) << "ran " << kernels << "instead of " << kernel;
    EXPECT_EQ(kernels.find(absent), std::string::npos) << kernels;
    ASSERT_EQ(actual.shape(), expected.shape());
    int64_t different = 0;
    for (int64_t i = 0; i < expected.elements(); ++i) {
      double off = std::abs(static_cast<double>(actual.data<float>()[i]) - static_cast<double>(expected.data<float>()[i]));
      EXPECT_LE(off, step * 1.001) << "at " << i;
      different += off > step * 0.001;
    }
    EXPECT_LE(different, expected.elements() / 50 + 1) << "of " << expected.elements();
  }

 private:
  static Tensor byte(DType dtype, int value) {
    Tensor t(dtype, Shape{});
    *static_cast<uint8_t*>(t.raw()) = static_cast<uint8_t>(value);
    return t;
  }
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  float real(float low, float high) { return low + (high - low) * static_cast<float>(next() >> 8) / 16777216.0f; }

  Model model_;
  std::vector<Tensor> fed_;
  Tensor scales_;
  uint32_t state_;
};

constexpr float kX = 0.012f, kY = 0.05f;

TEST(Lowering, Convolution) {
  Builder b(1);
  Value* x = b.input({2, 6, 9, 8}, kX, 85);
  Value* w = b.weights({10, 6, 3, 3}, 0);
  b.check(b.requantized(b.node("Conv", {x, w, b.bias(kX)}), kY, 120), kY, "QLinearConv:conv_int8");
}

TEST(Lowering, ConvolutionWithReluAndFloatBias) {
  Builder b(2);
  Value* x = b.input({1, 8, 9, 8}, kX, -20, DType::kInt8);
  Value* w = b.weights({8, 1, 3, 3}, 0);
  Value* conv = b.node("Conv", {x, w, b.float_bias(8)}, {{"group", int64_t{8}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  b.check(b.requantized(b.node("Relu", {conv}), kY, -10, DType::kInt8), kY, "QLinearConv:depthwise_int8", "Relu");
}

TEST(Lowering, ConvolutionWithFloatResult) {
  Builder b(3);
  Value* x = b.input({1, 6, 9, 8}, kX, 85);
  Value* w = b.weights({10, 6, 3, 3}, 0);
  b.check(b.node("Conv", {x, w, b.bias(kX)}), 0.05f, "ConvIntegerToFloat:conv_int8");
}

TEST(Lowering, TransposedConvolution) {
  Builder b(4);
  Value* x = b.input({1, 6, 5, 4}, kX, 85);
  Value* w = b.weights({6, 5, 4, 4}, 1);
  b.check(b.requantized(b.node("ConvTranspose", {x, w, b.bias(kX)}, {{"strides", std::vector<int64_t>{2, 2}}}), kY, 120), kY, "QLinearConvTranspose:conv_transpose_int8");
}

TEST(Lowering, GroupedTransposedConvolution) {
  Builder b(5);
  Value* x = b.input({1, 6, 5, 4}, kX, 85);
  Value* w = b.weights({6, 5, 2, 2}, 1);
  Value* y = b.node("ConvTranspose", {x, w}, {{"strides", std::vector<int64_t>{2, 2}}, {"group", int64_t{2}}});
  b.check(b.requantized(y, kY, 120), kY, "QLinearConvTranspose:conv_transpose_int8");
}

TEST(Lowering, DepthwiseTransposedConvolution) {
  for (bool quantized : {true, false}) {
    Builder b(17);
    Value* x = b.input({2, 6, 5, 4}, kX, 85);
    Value* w = b.weights({6, 1, 4, 4}, 0);
    Value* y = b.node("ConvTranspose", {x, w, b.bias(kX)}, {{"strides", std::vector<int64_t>{2, 2}}, {"group", int64_t{6}}});
    if (quantized) b.check(b.requantized(b.node("Relu", {y}), kY, 20), kY, "QLinearConvTranspose:depthwise_transpose_int8", "Relu:");
    else b.check(y, 1e-3f, "ConvTransposeIntegerToFloat:depthwise_transpose_int8", "ConvTranspose:");
  }
}

TEST(Lowering, TransposedConvolutionWithFloatResult) {
  Builder b(18);
  Value* x = b.input({1, 6, 5, 4}, kX, 85);
  Value* w = b.weights({6, 5, 4, 4}, 1);
  b.check(b.node("ConvTranspose", {x, w, b.bias(kX)}, {{"strides", std::vector<int64_t>{2, 2}}}), 1e-3f,
          "ConvTransposeIntegerToFloat:conv_transpose_int8", "ConvTranspose:");
}

// Whatever the border is made of, and whether or not the scale changes: it is the byte that QuantizeLinear makes of it.
TEST(Lowering, Padding) {
  for (float value : {0.0f, 0.4f}) {
    for (float y_scale : {kX, 0.02f}) {
      Builder b(19);
      Value* x = b.input({1, 4, 5, 6}, kX, 85);
      Value* pads = b.graph().add_constant("pads", Tensor::of<int64_t>({0, 2, 1, 0, 0, 2, 0, 3}));
      std::vector<Value*> inputs{x, pads};
      if (value != 0) inputs.push_back(b.graph().add_constant("value", Tensor::scalar(value)));
      b.check(b.requantized(b.node("Pad", inputs), y_scale, 85), y_scale, "Pad:copy_strided", "DequantizeLinear:reference");
    }
  }
}

TEST(Lowering, ResizeToTheNearestMovesBytes) {
  Builder b(20);
  Value* x = b.input({1, 4, 5, 6}, kX, 85);
  Value* scales = b.graph().add_constant("scales", Tensor::of<float>({1, 1, 2, 2}));
  Value* y = b.requantized(b.node("Resize", {x, nullptr, scales}, {{"mode", std::string("nearest")}}), kX, 85);
  Value* w = b.weights({8, 4, 1, 1}, 0);
  b.check(b.requantized(b.node("Conv", {y, w, b.bias(kX)}), kY, 120), kY, "Resize:resize_nearest", "DequantizeLinear:dequantize/x86 never");
}

TEST(Lowering, Gemm) {
  for (bool transposed : {false, true}) {
    Builder b(6 + transposed);
    Value* x = b.input({5, 40}, kX, 85);
    Value* w = transposed ? b.weights({9, 40}, 0) : b.weights({40, 9}, 1);
    Value* y = b.node("Gemm", {x, w, b.bias(kX)}, {{"transB", int64_t{transposed}}});
    b.check(b.requantized(y, kY, 120), kY, "QGemm:gemm_int8");
  }
}

TEST(Lowering, GemmWithFactors) {
  Builder b(8);
  Value* x = b.input({5, 40}, kX, 85);
  Value* w = b.weights({40, 9}, 1);
  b.check(b.requantized(b.node("Gemm", {x, w, b.float_bias(9)}, {{"alpha", 0.5f}, {"beta", 2.0f}}), kY, 120), kY, "QGemm:gemm_int8");
}

TEST(Lowering, MatMulWithBias) {
  Builder b(9);
  Value* x = b.input({2, 5, 40}, kX, 85);
  Value* w = b.weights({40, 9}, 1);
  Value* y = b.node("Add", {b.node("MatMul", {x, w}), b.float_bias(9)});
  b.check(b.requantized(b.node("Relu", {y}), kY, 0), kY, "QGemm:gemm_int8", "Add:");
}

TEST(Lowering, MatMulOfActivations) {
  Builder b(10);
  Value *x = b.input({2, 3, 5, 40}, kX, 85), *y = b.input({2, 3, 40, 6}, kX, 3, DType::kInt8);
  b.check(b.requantized(b.node("MatMul", {x, y}), kY * 3, 120), kY * 3, "QLinearMatMul:gemm_int8");
}

TEST(Lowering, MatMulWithFloatResult) {
  Builder b(11);
  Value* x = b.input({2, 5, 40}, kX, 85);
  Value* w = b.weights({40, 9}, 1);
  b.check(b.node("MatMul", {x, w}), 0.05f, "MatMulIntegerToFloat:gemm_int8");
}

TEST(Lowering, Elementwise) {
  for (const char* op : {"Add", "Sub", "Mul"}) {
    Builder b(12);
    Value *x = b.input({2, 5, 6, 7}, kX, 85), *y = b.input({2, 5, 6, 7}, 0.02f, 100);
    b.check(b.requantized(b.node(op, {x, y}), kY, 120), kY, ":binary_int8");
  }
}

TEST(Lowering, Averages) {
  Builder b(13);
  Value* x = b.input({2, 5, 6, 8}, kX, 85);
  b.check(b.requantized(b.node("AveragePool", {x}, {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"strides", std::vector<int64_t>{2, 2}}}), 0.01f, 90), 0.01f, "QLinearAveragePool:pool");
  Builder c(14);
  x = c.input({2, 5, 6, 8}, kX, 85);
  c.check(c.requantized(c.node("ReduceMean", {x}, {{"axes", std::vector<int64_t>{2, 3}}, {"keepdims", int64_t{0}}}), 0.005f, 90), 0.005f, "QLinearGlobalAveragePool:pool");
}

TEST(Lowering, Concatenation) {
  Builder b(15);
  Value *x = b.input({2, 5, 6, 8}, kX, 85), *y = b.input({2, 3, 6, 8}, 0.02f, 100), *z = b.input({2, 4, 6, 8}, 0.02f, 60);
  b.check(b.requantized(b.node("Concat", {x, y, z}, {{"axis", int64_t{1}}}), 0.02f, 100), 0.02f, "Table:table_u8");
}

// The sum over 250,000 weights of mean magnitude 64 times inputs up to 170 can leave 32 bits: such a layer stays in float.
TEST(Lowering, RefusesSumsThatOverflow) {
  Builder b(16);
  Value* x = b.input({1, 250000}, kX, 85);
  Value* w = b.weights({250000, 2}, 1);
  b.check(b.requantized(b.node("MatMul", {x, w}), 3.0f, 120), 3.0f, "MatMul:gemm_f32", "QLinearMatMul");
}

}  // namespace
}  // namespace octet
