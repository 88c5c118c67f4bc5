// The steps that operators bind, in every layout they claim, against the reference evaluation.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/thread_pool.h"
#include "graph/operator.h"
#include "octet/error.h"

namespace octet {
namespace {

struct Input {
  Tensor tensor;
  bool constant = false;
};

Tensor numbers(Shape shape, int salt = 0, DType dtype = DType::kFloat32) {
  Tensor tensor(dtype, std::move(shape));
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    int64_t value = (i * 37 + salt * 11) % 61 - 30;
    if (dtype == DType::kFloat32) tensor.data<float>()[i] = static_cast<float>(value) / 8;
    else if (dtype == DType::kUInt8) tensor.data<uint8_t>()[i] = static_cast<uint8_t>(value + 64);
    else if (dtype == DType::kBool) tensor.data<bool>()[i] = value % 2 == 0;
    else if (dtype == DType::kInt64) tensor.data<int64_t>()[i] = value;
    else ADD_FAILURE();
  }
  return tensor;
}

Input data(Shape shape, int salt = 0, DType dtype = DType::kFloat32) { return {numbers(std::move(shape), salt, dtype)}; }
Input constant(Tensor tensor) { return {std::move(tensor), true}; }
Input list(std::initializer_list<int64_t> values) { return constant(Tensor::of(values)); }

// The bytes of a dense tensor with axis 1 innermost, or back.
Tensor reordered(const Tensor& tensor, bool to_last) {
  const Shape& shape = tensor.shape();
  int64_t batch = shape[0], channels = shape[1], pixels = shape.elements(2, shape.rank());
  size_t size = static_cast<size_t>(dtype_bits(tensor.dtype())) / 8;
  Tensor result(tensor.dtype(), shape);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < pixels; ++p) {
        int64_t first = (n * channels + c) * pixels + p, last = (n * pixels + p) * channels + c;
        std::memcpy(static_cast<char*>(result.raw()) + static_cast<size_t>(to_last ? last : first) * size,
                    static_cast<const char*>(tensor.raw()) + static_cast<size_t>(to_last ? first : last) * size, size);
      }
  return result;
}

void expect_close(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  ASSERT_EQ(actual.dtype(), expected.dtype());
  if (actual.dtype() != DType::kFloat32) {
    EXPECT_EQ(std::memcmp(actual.raw(), expected.raw(), actual.bytes()), 0);
    return;
  }
  for (int64_t i = 0; i < actual.elements(); ++i) {
    float a = actual.data<float>()[i], e = expected.data<float>()[i];
    if (std::isnan(e)) EXPECT_TRUE(std::isnan(a)) << "at " << i;
    else if (std::isinf(e)) EXPECT_EQ(a, e) << "at " << i;
    else ASSERT_NEAR(a, e, 1e-5f * std::max(1.0f, std::fabs(e))) << "at " << i;
  }
}

// How many layouts were run.
int check(std::string_view name, const std::vector<Input>& inputs, const std::vector<std::pair<std::string, AttributeValue>>& attributes = {},
          int outputs = 1, int version = 18) {
  SCOPED_TRACE(std::string(name));
  const OperatorDef* op = find_operator("", name, version);
  if (op == nullptr || op->bind == nullptr) {
    ADD_FAILURE() << "no such operator, or it has no step";
    return 0;
  }
  int ran = 0;
  for (Layout layout : {Layout::kOnnx, Layout::kChannelsLast}) {
    SCOPED_TRACE(layout == Layout::kOnnx ? "ONNX order" : "channels last");
    Graph graph;
    std::vector<Value*> values, results;
    for (const Input& input : inputs)
      values.push_back(!input.tensor.is_defined() ? nullptr
                       : input.constant           ? graph.add_constant("c", input.tensor)
                                                  : graph.add_input("x", input.tensor.dtype(), input.tensor.shape()));
    for (int i = 0; i < outputs; ++i) results.push_back(graph.add_value("y"));
    Node* node = graph.add_node(*op, values, results);
    node->version = version;
    for (const auto& [key, value] : attributes) node->attributes.set(key, value);
    infer_node(*node);
    std::vector<const Tensor*> pointers;
    for (const Input& input : inputs) pointers.push_back(input.tensor.is_defined() ? &input.tensor : nullptr);
    std::vector<Tensor> expected = evaluate_node(*node, pointers);

    LayoutSupport support = op->layout != nullptr ? op->layout(*node) : LayoutSupport::kOnnxOnly;
    const int rank = results[0]->shape->rank();
    if (layout == Layout::kChannelsLast && (support == LayoutSupport::kOnnxOnly || rank < 3)) continue;
    if (layout == Layout::kOnnx && support == LayoutSupport::kChannelsLast) continue;
    std::vector<Tensor> stored;
    for (size_t i = 0; i < inputs.size(); ++i) {
      stored.push_back(inputs[i].tensor);
      bool follows = layout == Layout::kChannelsLast && values[i] != nullptr && values[i]->shape->rank() == rank && values[i]->shape->elements() > 1;
      if (!follows) continue;
      values[i]->layout = layout;
      stored.back() = reordered(inputs[i].tensor, true);
    }
    for (Value* value : results) value->layout = layout;

    BindContext context(*node, active_isa(), 2);
    if (!op->bind(context)) {
      if (layout == Layout::kChannelsLast) ADD_FAILURE() << "claims the layout and does not bind";
      continue;
    }
    std::vector<const void*> in, packed;
    std::vector<void*> out;
    std::vector<Tensor> produced;
    for (size_t i = 0; i < stored.size(); ++i) in.push_back(values[i] != nullptr ? stored[i].raw() : nullptr);
    for (Value* value : results) {
      produced.emplace_back(value->dtype, *value->shape);
      std::memset(produced.back().raw(), 0xa5, produced.back().bytes());
    }
    for (Tensor& tensor : produced) out.push_back(tensor.raw());
    for (const Tensor& block : context.packed_) packed.push_back(block.raw());
    Tensor scratch(DType::kUInt8, Shape{context.scratch_bytes_ + 64});
    ThreadPool pool(2);
    context.function_->run({context.parameters_.data(), in.data(), out.data(), packed.data(), scratch.raw(), &pool});
    for (size_t i = 0; i < produced.size(); ++i)
      expect_close(layout == Layout::kChannelsLast && rank >= 3 ? reordered(produced[i], false) : produced[i], expected[i]);
    ++ran;
  }
  return ran;
}

using Attribute = std::pair<std::string, AttributeValue>;
Attribute integers(const char* name, std::vector<int64_t> values) { return {name, std::move(values)}; }
Attribute integer(const char* name, int64_t value) { return {name, value}; }
Attribute text_of(const char* name, const char* value) { return {name, std::string(value)}; }

const Shape kPicture{2, 5, 7, 6};

TEST(Steps, Elementwise) {
  for (const char* name : {"Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Floor", "Ceil", "Round", "Sign", "Erf", "Softplus", "HardSwish", "Mish",
                           "Elu", "Selu", "Celu", "HardSigmoid", "LeakyRelu", "ThresholdedRelu", "Softsign", "Sin", "Atan", "IsNaN"})
    EXPECT_EQ(check(name, {data(kPicture)}), 2);
  EXPECT_EQ(check("Gelu", {data(kPicture)}, {}, 1, 20), 2);
  EXPECT_EQ(check("Relu", {data(Shape{3})}), 1);
  EXPECT_EQ(check("Clip", {data(kPicture), constant(Tensor::scalar(-1.0f)), constant(Tensor::scalar(2.0f))}), 2);
  EXPECT_EQ(check("Clip", {data(kPicture), {}, data(Shape{})}), 2);
  EXPECT_EQ(check("Clip", {data(kPicture)}), 2);
  EXPECT_EQ(check("Cast", {data(kPicture)}, {integer("to", 7)}), 2);
}

TEST(Steps, Broadcasting) {
  for (const char* name : {"Add", "Sub", "Mul", "Div", "Less", "Min", "Max", "PRelu"}) {
    EXPECT_EQ(check(name, {data(kPicture), data(kPicture, 3)}), 2);
    EXPECT_EQ(check(name, {data(kPicture), data(Shape{2, 5, 1, 1}, 3)}), 2);
    EXPECT_EQ(check(name, {data(kPicture), constant(numbers(Shape{1, 5, 1, 1}, 3))}), 2);
    EXPECT_EQ(check(name, {data(kPicture), constant(numbers(Shape{5, 1, 1}, 3))}), 2);
    EXPECT_EQ(check(name, {data(kPicture), constant(numbers(Shape{6}, 3))}), 2);
    EXPECT_EQ(check(name, {data(kPicture), data(Shape{}, 3)}), 2);
    if (std::string_view(name) == "PRelu") continue;
    EXPECT_EQ(check(name, {data(Shape{1, 5, 1, 6}), data(Shape{2, 1, 7, 1}, 3)}), 2);
  }
  EXPECT_EQ(check("Pow", {data(kPicture), constant(Tensor::scalar(2.0f))}), 2);
  EXPECT_EQ(check("Pow", {data(kPicture), constant(Tensor::scalar(3.0f))}), 2);
  EXPECT_EQ(check("Where", {data(kPicture, 0, DType::kBool), data(kPicture, 1), constant(numbers(Shape{5, 1, 1}, 3))}), 2);
}

TEST(Steps, Movement) {
  EXPECT_EQ(check("Concat", {data(kPicture), data(Shape{2, 3, 7, 6}, 1), data(Shape{2, 1, 7, 6}, 2)}, {integer("axis", 1)}), 2);
  EXPECT_EQ(check("Concat", {data(kPicture), data(Shape{2, 5, 2, 6}, 1)}, {integer("axis", -2)}), 2);
  EXPECT_EQ(check("Concat", {data(kPicture, 0, DType::kUInt8), data(kPicture, 1, DType::kUInt8)}, {integer("axis", 1)}), 2);
  EXPECT_EQ(check("Split", {data(kPicture), list({2, 3})}, {integer("axis", 1)}, 2, 13), 2);
  EXPECT_EQ(check("Split", {data(Shape{2, 5, 7, 5})}, {integer("axis", 3), integer("num_outputs", 2)}, 2), 2);
  EXPECT_EQ(check("Slice", {data(kPicture), list({1, 5}), list({4, -100}), list({1, 3}), list({2, -2})}), 2);
  EXPECT_EQ(check("Pad", {data(kPicture), list({0, 1, 2, 0, 1, 0, 3, -2}), constant(Tensor::scalar(1.5f))}), 2);
  EXPECT_EQ(check("Pad", {data(kPicture), list({0, 0, -1, 2, 0, 0, -1, 2})}), 2);
  EXPECT_EQ(check("Transpose", {data(kPicture)}, {integers("perm", {0, 2, 3, 1})}), 1);
  EXPECT_EQ(check("Transpose", {data(Shape{4, 3, 5})}), 1);
  EXPECT_EQ(check("Expand", {data(Shape{5, 1, 6}), list({2, 1, 7, 1})}), 1);
  EXPECT_EQ(check("Tile", {data(Shape{2, 3, 4}), list({2, 1, 3})}), 1);
  EXPECT_EQ(check("Gather", {data(kPicture), constant(Tensor::scalar(int64_t{-1}))}, {integer("axis", 1)}), 1);
  EXPECT_EQ(check("Gather", {data(kPicture), list({3, 0, 3})}, {integer("axis", 2)}), 1);
  for (const char* mode : {"DCR", "CRD"})
    EXPECT_EQ(check("DepthToSpace", {data(Shape{2, 12, 3, 4})}, {integer("blocksize", 2), text_of("mode", mode)}), 2);
  EXPECT_EQ(check("SpaceToDepth", {data(Shape{2, 3, 4, 6})}, {integer("blocksize", 2)}), 2);
}

TEST(Steps, SoftmaxAndReductions) {
  for (const char* name : {"Softmax", "LogSoftmax"}) {
    for (int64_t axis = 0; axis < 4; ++axis) EXPECT_EQ(check(name, {data(kPicture)}, {integer("axis", axis)}), 2);
    EXPECT_EQ(check(name, {data(kPicture)}, {integer("axis", 1)}, 1, 11), 1);
    EXPECT_EQ(check(name, {data(Shape{1, 3, 20, 30})}, {integer("axis", 1)}), 2);
  }
  for (const char* name : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"}) {
    EXPECT_EQ(check(name, {data(kPicture), list({2, 3})}), 2);
    EXPECT_EQ(check(name, {data(kPicture), list({1})}), 2);
    EXPECT_EQ(check(name, {data(kPicture), list({-1})}), 2);
    EXPECT_EQ(check(name, {data(kPicture), list({2, 3})}, {integer("keepdims", 0)}), 1);
    EXPECT_EQ(check(name, {data(kPicture)}), 2);
  }
}

TEST(Steps, Empty) {
  const Shape none{0, 5, 7, 6}, thin{2, 5, 0, 6};
  for (const Shape& shape : {none, thin}) {
    EXPECT_EQ(check("Relu", {data(shape)}), 2);
    EXPECT_EQ(check("Sin", {data(shape)}), 2);
    EXPECT_EQ(check("Add", {data(shape), data(Shape{1, 5, 1, 1})}), 2);
    EXPECT_EQ(check("Concat", {data(shape), data(shape)}, {integer("axis", 1)}), 2);
    EXPECT_EQ(check("Slice", {data(shape), list({1}), list({3}), list({1})}), 2);
    EXPECT_EQ(check("Pad", {data(shape), list({0, 0, 1, 1, 0, 0, 1, 1})}), 2);
    EXPECT_EQ(check("Transpose", {data(shape)}, {integers("perm", {0, 2, 3, 1})}), 1);
    EXPECT_GE(check("Softmax", {data(shape)}, {integer("axis", 1)}), 1);
    EXPECT_GE(check("Softmax", {data(shape)}, {integer("axis", 2)}), 1);
    EXPECT_GE(check("ReduceSum", {data(shape), list({2, 3})}), 1);
    EXPECT_GE(check("ReduceMax", {data(shape), list({1})}), 1);
    EXPECT_EQ(check("SpaceToDepth", {data(Shape{0, 3, 4, 6})}, {integer("blocksize", 2)}), 2);
  }
}

TEST(Steps, Resizing) {
  auto scales = [](float h, float w) { return constant(Tensor::of({1.0f, 1.0f, h, w})); };
  for (const char* mode : {"nearest", "linear", "cubic"})
    for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"}) {
      EXPECT_EQ(check("Resize", {data(kPicture), {}, scales(2, 1.5f)}, {text_of("mode", mode), text_of("coordinate_transformation_mode", coordinates)}), 1);
      EXPECT_EQ(check("Resize", {data(kPicture), {}, scales(0.6f, 1)}, {text_of("mode", mode), text_of("coordinate_transformation_mode", coordinates)}), 1);
    }
  EXPECT_EQ(check("Resize", {data(kPicture), {}, {}, list({2, 5, 3, 4})}, {text_of("mode", "linear"), integer("antialias", 1)}), 1);
  EXPECT_EQ(check("Resize", {data(kPicture, 0, DType::kUInt8), {}, scales(2, 2)}, {}), 1);
  EXPECT_EQ(check("Resize", {data(Shape{2, 3, 9}), {}, {}, list({2, 3, 5})}, {text_of("mode", "linear")}), 1);
}

}  // namespace
}  // namespace octet
