// Every operator with a fast step, as a graph of one node: the step against the operator's own reference evaluation, bit for bit where
// integers come out, closely where floats do. The kernel must be the one expected, or the test would compare the reference with itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {
namespace {

// Numbers that look random and are the same everywhere.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  Tensor floats(Shape shape, float low = -1, float high = 1) {
    Tensor t(DType::kFloat32, std::move(shape));
    for (float& v : t.values<float>()) v = low + (high - low) * static_cast<float>(next() >> 8) / 16777216.0f;
    return t;
  }
  Tensor bytes(DType dtype, Shape shape) {
    Tensor t(dtype, std::move(shape));
    for (size_t i = 0; i < t.bytes(); ++i) static_cast<uint8_t*>(t.raw())[i] = static_cast<uint8_t>(next() >> 11);
    return t;
  }
  Tensor integers(Shape shape, int32_t low, int32_t high) {
    Tensor t(DType::kInt32, std::move(shape));
    for (int32_t& v : t.values<int32_t>()) v = low + static_cast<int32_t>(next() % static_cast<uint32_t>(high - low));
    return t;
  }

 private:
  uint32_t state_;
};

Tensor byte(DType dtype, int value) {
  Tensor t(dtype, Shape{});
  *static_cast<uint8_t*>(t.raw()) = static_cast<uint8_t>(value);
  return t;
}

struct Operand {
  Tensor tensor;          // undefined: left out
  bool constant = true;
};

using Setting = std::pair<const char*, AttributeValue>;

void check(const char* domain, const char* op, std::vector<Operand> operands, std::vector<Setting> attributes, const char* kernel,
           size_t outputs = 1, double tolerance = 2e-6) {
  SCOPED_TRACE(testing::Message() << op << " on " << operands[0].tensor.shape().to_string());
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 21;
  std::vector<Value*> inputs;
  std::vector<Tensor> fed;
  std::vector<const Tensor*> all;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Operand& operand = operands[i];
    all.push_back(operand.tensor.is_defined() ? &operand.tensor : nullptr);
    if (!operand.tensor.is_defined()) {
      inputs.push_back(nullptr);
    } else if (operand.constant) {
      inputs.push_back(graph.add_constant("c" + std::to_string(i), operand.tensor));
    } else {
      inputs.push_back(graph.add_input("i" + std::to_string(i), operand.tensor.dtype(), operand.tensor.shape()));
      fed.push_back(operand.tensor);
    }
  }
  Node* node = graph.add_node(domain, op, inputs, "y", nullptr, outputs);
  for (const auto& [name, value] : attributes) node->attributes.set(name, value);
  for (Value* output : node->outputs) graph.add_output(output);
  std::vector<Tensor> expected = evaluate_node(*node, all);
  expected.resize(outputs);   // what was left out comes back as scratch
  for (int threads : {1, 3}) {
    Session session = make_session(model.clone(), {.threads = threads, .profile = true});
    std::vector<Tensor> actual;
    for (const Tensor& tensor : session.run(fed)) actual.push_back(tensor.clone());
    // From a pack: the same kernels on the same blocks, without the weights.
    std::string file = testing::TempDir() + "bound_operator_" + std::to_string(::getpid()) + ".octet";
    pack_model(model.clone(), file, {.threads = threads}, 0);
    Session packed = Session::open(file, {.threads = threads, .profile = true});
    const std::vector<Tensor>& again = packed.run(fed);
    ASSERT_EQ(again.size(), actual.size());
    for (size_t k = 0; k < actual.size(); ++k)
      EXPECT_EQ(std::memcmp(again[k].raw(), actual[k].raw(), actual[k].bytes()), 0) << "output " << k << " from a pack";
    ASSERT_EQ(packed.profile().size(), session.profile().size());
    std::string kernels;
    for (const StepProfile& step : session.profile()) kernels += step.kernel + " ";
    EXPECT_NE(kernels.find(kernel), std::string::npos) << "ran " << kernels << "instead of " << kernel;
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(actual[k].dtype(), expected[k].dtype());
      ASSERT_EQ(actual[k].shape(), expected[k].shape());
      if (expected[k].dtype() != DType::kFloat32) {
        EXPECT_EQ(std::memcmp(actual[k].raw(), expected[k].raw(), expected[k].bytes()), 0) << "output " << k << ", " << threads << " threads";
        continue;
      }
      double largest = 1e-6, worst = 0;
      for (float v : expected[k].values<float>()) largest = std::max(largest, std::abs(static_cast<double>(v)));
      for (int64_t i = 0; i < expected[k].elements(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(actual[k].data<float>()[i]) - static_cast<double>(expected[k].data<float>()[i])));
      EXPECT_LE(worst, tolerance * largest) << "output " << k << ", " << threads << " threads";
    }
  }
}

std::vector<int64_t> list(std::initializer_list<int64_t> values) { return values; }

TEST(BoundOperators, FloatProducts) {
  Numbers n(1);
  check("", "MatMul", {{n.floats({5, 7}), false}, {n.floats({7, 9})}}, {}, "gemm_f32");
  check("", "MatMul", {{n.floats({2, 3, 5, 7}), false}, {n.floats({7, 33})}}, {}, "gemm_f32");
  check("", "MatMul", {{n.floats({2, 3, 5, 7}), false}, {n.floats({3, 7, 4})}}, {}, "gemm_f32");
  check("", "MatMul", {{n.floats({2, 1, 5, 7}), false}, {n.floats({3, 7, 4}), false}}, {}, "gemm_f32");
  check("", "MatMul", {{n.floats({5, 7}), false}, {n.floats({4, 7, 3}), false}}, {}, "gemm_f32");
  check("", "MatMul", {{n.floats({7}), false}, {n.floats({7, 3}), false}}, {}, "gemm_f32");
  check("", "MatMul", {{n.floats({5, 7}), false}, {n.floats({7}), false}}, {}, "gemm_f32");
  check("com.microsoft", "FusedMatMul", {{n.floats({3, 2, 5}), false}, {n.floats({2, 6, 5}), false}}, {{"transB", int64_t{1}}, {"transBatchA", int64_t{1}}, {"alpha", 0.3f}}, "gemm_f32");
  check("com.microsoft", "FusedMatMul", {{n.floats({4, 5}), false}, {n.floats({6, 5})}}, {{"transB", int64_t{1}}, {"alpha", 0.3f}}, "gemm_f32");
  check("", "Gemm", {{n.floats({5, 7}), false}, {n.floats({9, 7})}, {n.floats({9})}}, {{"transB", int64_t{1}}, {"alpha", 2.0f}, {"beta", 0.5f}}, "gemm_f32");
  check("", "Gemm", {{n.floats({5, 7}), false}, {n.floats({7, 9})}, {n.floats({1})}}, {}, "gemm_f32");
  check("", "Gemm", {{n.floats({5, 7}), false}, {n.floats({7, 9})}, {n.floats({5, 9}), false}}, {}, "gemm_f32");
  check("", "Gemm", {{n.floats({5, 7}), false}, {n.floats({7, 9}), false}, {n.floats({9})}}, {}, "gemm_f32");
  check("com.microsoft", "FusedGemm", {{n.floats({5, 7}), false}, {n.floats({7, 9})}, {n.floats({9})}}, {{"activation", std::string("Relu")}}, "gemm_f32");
}

TEST(BoundOperators, BlockQuantizedProducts) {
  Numbers n(8);
  for (int64_t bits : {2, 4, 8})
    check("com.microsoft", "MatMulNBits", {{n.floats({2, 3, 40}), false}, {n.bytes(DType::kUInt8, {9, 3, 2 * bits})}, {n.floats({27}, 0.01f, 0.1f)}, {n.bytes(DType::kUInt8, {9 * ((3 * bits + 7) / 8)})}, {},
          {n.floats({9})}}, {{"K", int64_t{40}}, {"N", int64_t{9}}, {"bits", bits}, {"block_size", int64_t{16}}}, "gemm_f32", 1, 1e-5);
}

TEST(BoundOperators, IntegerProducts) {
  Numbers n(2);
  for (DType a : {DType::kUInt8, DType::kInt8})
    for (DType b : {DType::kUInt8, DType::kInt8}) {
      Tensor za = byte(a, a == DType::kUInt8 ? 117 : -5), zb = byte(b, b == DType::kUInt8 ? 125 : 3), sa = Tensor::scalar(0.017f), sy = Tensor::scalar(0.3f);
      Tensor column_scales = n.floats({9}, 0.001f, 0.01f), column_zeros = n.bytes(b, {9});
      for (bool constant : {true, false}) {
        check("", "MatMulInteger", {{n.bytes(a, {5, 70}), false}, {n.bytes(b, {70, 9}), constant}, {za, false}, {zb}}, {}, "gemm_int8");
        check("", "QLinearMatMul", {{n.bytes(a, {2, 5, 70}), false}, {sa}, {za}, {n.bytes(b, {2, 70, 9}), constant}, {column_scales}, {column_zeros}, {sy}, {za}},
              {{"clamp_max", int64_t{100}}}, "gemm_int8");
        check("com.microsoft", "MatMulIntegerToFloat", {{n.bytes(a, {3, 5, 33}), false}, {n.bytes(b, {33, 9}), constant}, {sa, false}, {column_scales}, {za, false}, {column_zeros}, {n.floats({9})}},
              {}, "gemm_int8");
        check("com.microsoft", "QGemm", {{n.bytes(a, {5, 17}), false}, {sa}, {za}, {n.bytes(b, {9, 17}), constant}, {column_scales}, {column_zeros}, {n.integers({9}, -5000, 5000)}, {sy}, {za}},
              {{"transB", int64_t{1}}, {"alpha", 0.7f}}, "gemm_int8");
        check("com.microsoft", "QGemm", {{n.bytes(a, {5, 17}), false}, {sa}, {za}, {n.bytes(b, {17, 9}), constant}, {column_scales}, {column_zeros}, {n.floats({9})}, {sy}, {za}},
              {}, "gemm_int8");
        check("com.microsoft", "DynamicQuantizeMatMul", {{n.floats({3, 5, 40}, -1, 2), false}, {n.bytes(b, {40, 9}), constant}, {column_scales}, {column_zeros}, {n.floats({9})}}, {},
              "gemm_int8", 1, 0);
      }
    }
}

TEST(BoundOperators, IntegerConvolutions) {
  Numbers n(3);
  for (DType x : {DType::kUInt8, DType::kInt8})
    for (bool depthwise : {false, true}) {
      int64_t groups = depthwise ? 6 : 2, outputs = depthwise ? 6 : 8;
      Tensor zx = byte(x, x == DType::kUInt8 ? 117 : -5), zw = byte(DType::kInt8, 0), sx = Tensor::scalar(0.017f), sy = Tensor::scalar(0.1f);
      Tensor scales = n.floats({outputs}, 0.001f, 0.01f), weights = n.bytes(DType::kInt8, {outputs, 6 / groups, 3, 3});
      std::vector<Setting> geometry{{"group", groups}, {"pads", list({1, 2, 0, 1})}, {"strides", list({2, 1})}};
      auto with = [&](Setting more) {
        std::vector<Setting> all = geometry;
        all.push_back(more);
        return all;
      };
      Tensor picture = n.bytes(x, {2, 6, 9, 11});
      const char* kernel = depthwise ? "depthwise_int8" : "conv_int8";
      check("", "ConvInteger", {{picture, false}, {weights}, {zx, false}, {zw}}, geometry, kernel);
      check("", "QLinearConv", {{picture, false}, {sx}, {zx}, {weights}, {scales}, {zw}, {sy}, {zx}, {n.integers({outputs}, -9000, 9000)}}, with({"clamp_min", int64_t{20}}), kernel);
      check("", "QLinearConv", {{picture, false}, {sx}, {zx}, {weights}, {scales}, {zw}, {sy}, {zx}, {n.floats({outputs})}}, geometry, kernel);
      check("octet", "ConvIntegerToFloat", {{picture, false}, {sx, false}, {zx, false}, {weights}, {scales}, {zw}, {n.floats({outputs})}}, geometry, kernel, 1, 0);
      std::vector<Setting> clamped = with({"activation", std::string("Clip")});
      clamped.emplace_back("activation_params", std::vector<float>{-0.5f, 1.5f});
      check("octet", "ConvIntegerToFloat", {{picture, false}, {sx}, {zx}, {weights}, {scales}, {zw}, {n.floats({outputs})}}, clamped, kernel, 1, 0);
    }
  Tensor zx = byte(DType::kUInt8, 117), zw = byte(DType::kInt8, 0);
  check("octet", "QLinearConvTranspose", {{n.bytes(DType::kUInt8, {1, 6, 5, 4}), false}, {Tensor::scalar(0.017f)}, {zx}, {n.bytes(DType::kInt8, {6, 4, 4, 4})}, {n.floats({8}, 0.001f, 0.01f)}, {zw},
        {Tensor::scalar(0.1f)}, {zx}, {n.integers({8}, -9000, 9000)}}, {{"group", int64_t{2}}, {"strides", list({2, 2})}, {"pads", list({1, 1, 1, 1})}}, "conv_transpose_int8");
}

TEST(BoundOperators, FloatConvolutions) {
  Numbers n(4);
  std::vector<Setting> geometry{{"pads", list({1, 2, 0, 1})}, {"strides", list({2, 1})}, {"dilations", list({1, 2})}};
  check("", "Conv", {{n.floats({2, 3, 9, 11}), false}, {n.floats({5, 3, 3, 3})}, {n.floats({5})}}, geometry, "conv_f32");
  check("", "Conv", {{n.floats({2, 3, 21}), false}, {n.floats({5, 3, 3})}}, {{"pads", list({1, 1})}}, "conv_f32");
  check("", "Conv", {{n.floats({1, 6, 9, 11}), false}, {n.floats({6, 1, 3, 3})}, {n.floats({6})}}, {{"group", int64_t{6}}}, "depthwise_f32");
  check("com.microsoft", "FusedConv", {{n.floats({1, 4, 6, 7}), false}, {n.floats({5, 4, 3, 3})}, {n.floats({5})}, {n.floats({1, 5, 4, 5}), false}}, {{"activation", std::string("Relu")}}, "conv_f32");
  check("", "ConvTranspose", {{n.floats({1, 3, 5, 6}), false}, {n.floats({3, 4, 3, 3})}, {n.floats({4})}}, {{"strides", list({2, 2})}, {"pads", list({1, 1, 1, 1})}, {"output_padding", list({1, 1})}}, "conv_transpose_f32");
}

TEST(BoundOperators, QuantizationAndSums) {
  Numbers n(5);
  Tensor zero = byte(DType::kUInt8, 120), scale = Tensor::scalar(0.013f);
  check("", "QuantizeLinear", {{n.floats({2, 5, 7}, -3, 3), false}, {scale}, {zero}}, {}, "quantize");
  check("", "QuantizeLinear", {{n.floats({2, 5, 7}, -3, 3), false}, {n.floats({5}, 0.01f, 0.03f)}, {n.bytes(DType::kInt8, {5})}}, {{"axis", int64_t{1}}}, "quantize");
  check("", "QuantizeLinear", {{n.floats({2, 5, 7}, -3, 3), false}, {n.floats({7}, 0.01f, 0.03f)}, {n.bytes(DType::kUInt8, {7})}}, {{"axis", int64_t{-1}}}, "quantize");
  check("", "DequantizeLinear", {{n.bytes(DType::kInt8, {2, 5, 7}), false}, {n.floats({5}, 0.01f, 0.03f)}, {n.bytes(DType::kInt8, {5})}}, {{"axis", int64_t{1}}}, "dequantize", 1, 0);
  check("", "DequantizeLinear", {{n.integers({2, 5, 7}, -90000, 90000), false}, {n.floats({5}, 0.01f, 0.03f)}}, {{"axis", int64_t{1}}}, "dequantize", 1, 0);
  check("", "DynamicQuantizeLinear", {{n.floats({2, 500, 70}, -3, 1), false}}, {}, "quantize", 3, 0);
  for (const char* op : {"QLinearAdd", "QLinearMul"})
    for (Shape b : {Shape{2, 4, 3, 5}, Shape{4, 1, 1}, Shape{}, Shape{1, 4, 3, 1}})
      check("com.microsoft", op, {{n.bytes(DType::kUInt8, {2, 4, 3, 5}), false}, {scale}, {zero}, {n.bytes(DType::kUInt8, b), false}, {scale}, {zero}, {Tensor::scalar(0.02f)}, {zero}},
            {{"clamp_min", int64_t{30}}}, "binary_int8");
  check("octet", "QLinearSub", {{n.bytes(DType::kInt8, {2, 4, 3, 5}), false}, {scale}, {byte(DType::kInt8, -3)}, {n.bytes(DType::kUInt8, {5}), false}, {scale}, {zero}, {Tensor::scalar(0.02f)}, {zero}}, {}, "binary_int8");
  check("com.microsoft", "QLinearConcat", {{scale}, {zero}, {n.bytes(DType::kUInt8, {2, 4, 3, 5}), false}, {Tensor::scalar(0.02f)}, {byte(DType::kUInt8, 3)}, {n.bytes(DType::kUInt8, {2, 2, 3, 5}), false},
        {scale}, {zero}}, {{"axis", int64_t{1}}}, "table_u8");
  check("com.microsoft", "QLinearSigmoid", {{n.bytes(DType::kInt8, {300}), false}, {scale}, {byte(DType::kInt8, -3)}, {Tensor::scalar(1 / 256.0f)}, {byte(DType::kInt8, -128)}}, {}, "table_u8");
  check("com.microsoft", "QLinearAveragePool", {{n.bytes(DType::kUInt8, {1, 6, 7, 9}), false}, {scale}, {zero}, {Tensor::scalar(0.02f)}, {zero}}, {{"kernel_shape", list({3, 3})}, {"pads", list({1, 1, 1, 1})}, {"strides", list({2, 2})}}, "pool");
  check("com.microsoft", "QLinearGlobalAveragePool", {{n.bytes(DType::kUInt8, {2, 6, 7, 9}), false}, {scale}, {zero}, {Tensor::scalar(0.002f)}, {zero}}, {}, "pool");
}

TEST(BoundOperators, Normalizations) {
  Numbers n(6);
  Tensor x = n.floats({3, 5, 40}, -2, 3), gamma = n.floats({40}), beta = n.floats({40});
  check("", "LayerNormalization", {{x, false}, {gamma}, {beta}}, {}, "layer_norm_f32", 3, 1e-5);
  check("", "LayerNormalization", {{x, false}, {gamma}}, {}, "layer_norm_f32", 1, 1e-5);
  check("com.microsoft", "SimplifiedLayerNormalization", {{x, false}, {gamma}}, {}, "layer_norm_f32", 2, 1e-5);
  check("com.microsoft", "SkipLayerNormalization", {{x, false}, {n.floats({1, 5, 40}), false}, {gamma}, {beta}, {n.floats({40})}}, {}, "layer_norm_f32", 1, 1e-5);
  check("", "BatchNormalization", {{n.floats({2, 5, 4, 3}), false}, {n.floats({5})}, {n.floats({5})}, {n.floats({5})}, {n.floats({5}, 0.2f, 2)}}, {}, "affine_f32", 1, 1e-5);
}

TEST(BoundOperators, Recurrent) {
  Numbers n(7);
  constexpr int64_t kLength = 5, kBatch = 3, kInputs = 7, kHidden = 20;
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    int64_t d = std::strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    std::vector<Setting> settings{{"hidden_size", kHidden}, {"direction", std::string(direction)}};
    Tensor x = n.floats({kLength, kBatch, kInputs}), state = n.floats({d, kBatch, kHidden}), cell = n.floats({d, kBatch, kHidden});
    Tensor bias = n.floats({d, 8 * kHidden}), peephole = n.floats({d, 3 * kHidden});
    check("", "LSTM", {{x, false}, {n.floats({d, 4 * kHidden, kInputs})}, {n.floats({d, 4 * kHidden, kHidden})}, {bias}, {}, {state, false}, {cell, false}, {peephole}}, settings, "lstm", 3, 1e-5);
    check("", "LSTM", {{x, false}, {n.floats({d, 4 * kHidden, kInputs})}, {n.floats({d, 4 * kHidden, kHidden})}}, settings, "lstm", 1, 1e-5);
    Tensor scales = n.floats({d, 4 * kHidden}, 0.001f, 0.01f), zeros = n.bytes(DType::kUInt8, {d, 4 * kHidden});
    check("com.microsoft", "DynamicQuantizeLSTM", {{x, false}, {n.bytes(DType::kUInt8, {d, kInputs, 4 * kHidden})}, {n.bytes(DType::kUInt8, {d, kHidden, 4 * kHidden})}, {bias}, {}, {state, false}, {cell, false}, {},
          {scales}, {zeros}, {scales}, {zeros}}, settings, "lstm", 3, 1e-2);   // a state that rounds to another byte moves what follows
    Tensor gru_bias = n.floats({d, 6 * kHidden});
    for (int64_t after : {0, 1}) {
      std::vector<Setting> more = settings;
      more.emplace_back("linear_before_reset", int64_t{after});
      check("", "GRU", {{x, false}, {n.floats({d, 3 * kHidden, kInputs})}, {n.floats({d, 3 * kHidden, kHidden})}, {gru_bias}, {}, {state, false}}, more, "gru", 2, 1e-5);
    }
  }
  std::vector<Setting> batch_major{{"hidden_size", kHidden}, {"layout", int64_t{1}}};
  check("", "LSTM", {{n.floats({kBatch, kLength, kInputs}), false}, {n.floats({1, 4 * kHidden, kInputs})}, {n.floats({1, 4 * kHidden, kHidden})}}, batch_major, "lstm", 3, 1e-5);
}

}  // namespace
}  // namespace octet
