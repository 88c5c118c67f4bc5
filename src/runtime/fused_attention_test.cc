// Attention as exporters write it, fused and as it stands: the same bytes at every level and thread count, and the fused step must have run.
#include <gtest/gtest.h>

#include <cstring>

#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {
namespace {

struct Sizes { int64_t batch = 2, heads = 3, rows = 37, keys = 37, depth = 16; };

class Attention {
 public:
  explicit Attention(bool quantized, DType type = DType::kUInt8) : quantized_(quantized), type_(type) { model_.graph->opsets[""] = 17; }

  Graph& graph() { return *model_.graph; }
  Value* node(std::string_view op, std::vector<Value*> inputs, std::vector<std::pair<const char*, AttributeValue>> attributes = {}) {
    Node* added = graph().add_node("", op, std::move(inputs), std::string(op));
    for (auto& [name, value] : attributes) added->attributes.set(name, std::move(value));
    return added->outputs[0];
  }
  Value* input(Shape shape) {
    Value* x = graph().add_input("x" + std::to_string(fed_.size()), DType::kFloat32, shape);
    Tensor values(DType::kFloat32, shape);
    for (float& v : values.values<float>()) v = real();
    fed_.push_back(values);
    return x;
  }
  // Through 8 bits, where the test is about them.
  Value* step(Value* x, float scale, int zero_point) {
    if (!quantized_) return x;
    Tensor zero(type_, Shape{});
    *static_cast<uint8_t*>(zero.raw()) = static_cast<uint8_t>(type_ == DType::kInt8 ? zero_point - 128 : zero_point);
    Value *s = graph().add_constant("s", Tensor::scalar(scale)), *z = graph().add_constant("z", zero);
    return node("DequantizeLinear", {node("QuantizeLinear", {x, s, z}), s, z});
  }
  Value* integers(std::vector<int64_t> values) {
    return graph().add_constant("i", Tensor::from<int64_t>(Shape{static_cast<int64_t>(values.size())}, std::span<const int64_t>(values)));
  }
  Value* number(float value) { return graph().add_constant("f", Tensor::scalar(value)); }
  Value* transpose(Value* x, std::vector<int64_t> order) { return node("Transpose", {x}, {{"perm", std::move(order)}}); }
  Value* moved(Value* x) { return step(x, 0.02f, 130); }   // with the parameters that it had
  // One third of a projection as heads [batch, heads, rows, depth].
  Value* part(Value* projection, const Sizes& s, int64_t third, int64_t rows) {
    const int64_t width = s.heads * s.depth;
    Value* slice = moved(node("Slice", {projection, integers({third * width}), integers({(third + 1) * width}), integers({2})}));
    return moved(transpose(moved(node("Reshape", {slice, integers({s.batch, rows, s.heads, s.depth})})), {0, 2, 1, 3}));
  }
  // Heads side by side again.
  Value* joined(Value* y, const Sizes& s) { return node("Reshape", {transpose(y, {0, 2, 1, 3}), integers({s.batch, s.rows, s.heads * s.depth})}); }

  Value* whole(const Sizes& s, const char* scaling, float factor, Value* mask = nullptr, bool float_result = false) {
    Value* projection = moved(input({s.batch, s.rows, 3 * s.heads * s.depth}));
    Value *q = part(projection, s, 0, s.rows), *k = moved(transpose(part(projection, s, 1, s.rows), {0, 1, 3, 2})), *v = part(projection, s, 2, s.rows);
    return finish(q, k, v, scaling, factor, mask, float_result);
  }
  Value* finish(Value* q, Value* k, Value* v, const char* scaling, float factor, Value* mask = nullptr, bool float_result = false) {
    Value* scores = node("MatMul", {q, k});
    if (*scaling != 0) scores = node(scaling, {scores, number(factor)});
    if (mask != nullptr) scores = node("Add", {scores, mask});
    Value* p = step(node("Softmax", {scores}, {{"axis", int64_t{-1}}}), 0.004f, 0);
    Value* y = node("MatMul", {p, v});
    return float_result ? y : step(y, 0.01f, 120);
  }

  void check(Value* y, bool fuses = true) {
    graph().add_output(y);
    EngineOptions unfused;
    unfused.disabled_passes.insert("fuse-attention");
    Session plain = make_session(model_.clone(), {.threads = 1}, unfused);
    Tensor expected = plain.run(fed_)[0].clone();
    for (int threads : {1, 2, 4}) {
      Session fused = make_session(model_.clone(), {.threads = threads, .profile = true});
      const Tensor& actual = fused.run(fed_)[0];
      bool ran = false;
      for (const StepProfile& profile : fused.profile()) ran |= profile.operator_type == "FusedAttention" && profile.kernel != "reference";
      EXPECT_EQ(ran, fuses);
      ASSERT_EQ(actual.shape(), expected.shape());
      EXPECT_EQ(std::memcmp(actual.raw(), expected.raw(), expected.bytes()), 0) << threads << " threads";
    }
  }

 private:
  float real() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<float>(state_ >> 8) / 8388608.0f * 2 - 2;
  }
  Model model_;
  std::vector<Tensor> fed_;
  bool quantized_;
  DType type_;
  uint32_t state_ = 7;
};

TEST(FusedAttention, ReadsHeadsFromOneProjection) {
  for (bool quantized : {false, true})
    for (int64_t rows : {1, 5, 32, 37, 80, 197}) {
      Sizes s;
      s.rows = s.keys = rows, s.depth = rows == 197 ? 64 : 16, s.batch = rows == 5 ? 1 : 2;
      Attention a(quantized);
      a.check(a.joined(a.whole(s, "Div", 8.0f), s));
    }
}

TEST(FusedAttention, SignedBytes) {
  Sizes s;
  Attention a(true, DType::kInt8);
  a.check(a.joined(a.whole(s, "Div", 3.7f), s));
}

TEST(FusedAttention, FloatResultOfIntegerProducts) {
  Sizes s;
  Attention a(true);
  a.check(a.whole(s, "Mul", 0.25f, nullptr, true));
}

TEST(FusedAttention, Masks) {
  Sizes s;
  for (bool quantized : {false, true})
    for (Shape shape : {Shape{s.batch, 1, 1, s.keys}, Shape{s.rows, s.keys}, Shape{s.batch, s.heads, s.rows, s.keys}, Shape{1, 1, s.rows, s.keys}}) {
      Attention a(quantized);
      Value* mask = a.input(shape);
      a.check(a.joined(a.whole(s, "Mul", 0.3f, mask), s));
    }
}

TEST(FusedAttention, SeparateOperandsWithoutScale) {
  for (bool quantized : {false, true}) {
    Attention a(quantized);
    Value *q = a.step(a.input({2, 3, 9, 20}), 0.02f, 128), *k = a.step(a.input({2, 3, 20, 50}), 0.02f, 100), *v = a.step(a.input({2, 3, 50, 7}), 0.02f, 140);
    a.check(a.finish(q, k, v, "", 1));
  }
}

TEST(FusedAttention, OneBatchAxis) {
  for (bool quantized : {false, true}) {
    Attention a(quantized);
    Value *q = a.step(a.input({6, 9, 20}), 0.02f, 128), *k = a.step(a.input({6, 20, 50}), 0.02f, 100), *v = a.step(a.input({6, 50, 24}), 0.02f, 140);
    a.check(a.transpose(a.finish(q, k, v, "Mul", 0.5f), {1, 0, 2}));
  }
}

// Split and Gather take the projection apart as well.
TEST(FusedAttention, SplitProjection) {
  Sizes s;
  Attention a(false);
  Value* heads = a.transpose(a.node("Reshape", {a.input({s.batch, s.rows, 3 * s.heads * s.depth}), a.integers({s.batch, s.rows, 3, s.heads, s.depth})}), {2, 0, 3, 1, 4});
  auto third = [&](int64_t i) { return a.node("Gather", {heads, a.graph().add_constant("i", Tensor::scalar(i))}, {{"axis", int64_t{0}}}); };
  a.check(a.joined(a.finish(third(0), a.transpose(third(1), {0, 1, 3, 2}), third(2), "Mul", 0.25f), s));
}

// A mask that does not repeat in a way the step reads, and scores that somebody else wants, stay as they are.
TEST(FusedAttention, LeavesTheRest) {
  Sizes s;
  Attention a(false);
  Value* mask = a.input({s.rows, 1});
  a.check(a.whole(s, "Mul", 0.3f, mask), false);
  Attention b(false);
  Value *q = b.input({2, 3, 9, 20}), *k = b.input({2, 3, 20, 50}), *v = b.input({2, 3, 50, 7});
  Value* y = b.finish(q, k, v, "Mul", 0.5f);
  b.graph().add_output(y->producer->inputs[0]);
  b.check(y, false);
}

}  // namespace
}  // namespace octet
