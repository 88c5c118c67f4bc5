#include "runtime/session.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graph/operator.h"

namespace octet {
namespace {

// y = Relu(x) + 1 with a free batch axis.
Model small_model() {
  Model model;
  model.path = "small.onnx";
  Graph& graph = *model.graph;
  graph.opsets[""] = 17;
  Value* x = graph.add_input("x", DType::kFloat32, Shape{Shape::kUnknown, 3});
  Value* relu = graph.add_node("", "Relu", {x}, "relu")->outputs[0];
  graph.add_output(graph.add_node("", "Add", {relu, graph.add_constant("one", Tensor::scalar(1.0f))}, "y")->outputs[0]);
  return model;
}

std::string error_of(Session& session, std::vector<Tensor> inputs) {
  try {
    session.run(inputs);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Session, RunsAnyBatch) {
  Session session = make_session(small_model(), {.threads = 1});
  for (int64_t batch : {1, 4, 0, 1}) {
    Tensor x(DType::kFloat32, Shape{batch, 3});
    for (size_t i = 0; i < x.values<float>().size(); ++i) x.values<float>()[i] = static_cast<float>(i) - 1;
    const Tensor& y = session.run({&x, 1})[0];
    ASSERT_EQ(y.shape(), (Shape{batch, 3}));
    for (size_t i = 0; i < y.values<float>().size(); ++i) EXPECT_EQ(y.values<float>()[i], std::max(0.0f, static_cast<float>(i) - 1) + 1);
  }
}

TEST(Session, SaysWhatIsWrongWithInputs) {
  Session session = make_session(small_model(), {.threads = 1});
  EXPECT_NE(error_of(session, {}).find("takes 1 inputs, 0 were given"), std::string::npos);
  EXPECT_NE(error_of(session, {Tensor(DType::kFloat32, Shape{2, 4})}).find("input 'x' has the shape 2x4, but the model takes ?x3"), std::string::npos);
  EXPECT_NE(error_of(session, {Tensor(DType::kInt32, Shape{2, 3})}).find("input 'x' is int32, but the model takes float32"), std::string::npos);
  EXPECT_NE(error_of(session, {Tensor(DType::kInt32, Shape{2, 3})}).find("small.onnx"), std::string::npos);
}

// Steps are bound from several threads at once where the constants are large. What slices share must not be written meanwhile.
TEST(Session, BindsStepsThatShareConstantsOnSeveralThreads) {
  constexpr int64_t kRows = 64, kColumns = 2048;
  for (int attempt = 0; attempt < 20; ++attempt) {
    Model model;
    Graph& graph = *model.graph;
    graph.opsets[""] = 17;
    Value* x = graph.add_input("x", DType::kFloat32, Shape{kRows, kColumns});
    Tensor large(DType::kFloat32, Shape{kRows, kColumns});
    std::fill_n(large.data<float>(), large.elements(), 1.0f);
    Value* sum = graph.add_node("", "Add", {x, graph.add_constant("large", std::move(large))}, "sum")->outputs[0];
    auto indices = [&](const char* name, int64_t index) {
      Tensor tensor(DType::kInt64, Shape{1});
      tensor.data<int64_t>()[0] = index;
      return graph.add_constant(name, std::move(tensor));
    };
    Value *first = indices("first", 1), *last = indices("last", 3), *axis = indices("axis", 1), *step = indices("step", 1);
    for (int i = 0; i < 64; ++i)
      graph.add_output(graph.add_node("", "Slice", {sum, first, last, axis, step}, "slice" + std::to_string(i))->outputs[0]);
    Session session = make_session(std::move(model), {.threads = 2});
    Tensor input(DType::kFloat32, Shape{kRows, kColumns});
    std::fill_n(input.data<float>(), input.elements(), 2.0f);
    const std::vector<Tensor>& outputs = session.run({&input, 1});
    ASSERT_EQ(outputs.size(), 64u);
    for (const Tensor& output : outputs) {
      ASSERT_EQ(output.shape(), (Shape{kRows, 2}));
      EXPECT_EQ(output.values<float>()[0], 3.0f);
    }
  }
}

TEST(Session, RefusesAnUnknownLevel) {
  EXPECT_THROW(make_session(small_model(), {.isa = "sse9"}), Error);
}

TEST(Session, DataDependentShapesFlowThrough) {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 17;
  Value* x = graph.add_input("x", DType::kFloat32, Shape{6});
  Value* where = graph.add_node("", "NonZero", {x}, "where")->outputs[0];
  Value* as_float = graph.add_node("", "Cast", {where}, "cast")->outputs[0];
  as_float->producer->attributes.set("to", int64_t{1});
  graph.add_output(graph.add_node("", "Neg", {as_float}, "y")->outputs[0]);
  Session session = make_session(std::move(model), {.threads = 1});
  for (int nonzero : {0, 2, 6}) {
    Tensor input(DType::kFloat32, Shape{6});
    for (int i = 0; i < 6; ++i) input.data<float>()[i] = i < nonzero ? 1.0f : 0.0f;
    const Tensor& y = session.run({&input, 1})[0];
    ASSERT_EQ(y.shape(), (Shape{1, nonzero}));
    for (int i = 0; i < nonzero; ++i) EXPECT_EQ(y.data<float>()[i], static_cast<float>(-i));
  }
}

TEST(Session, ProfileNamesLayersAndKernels) {
  Session session = make_session(small_model(), {.threads = 1, .profile = true});
  Tensor x(DType::kFloat32, Shape{2, 3});
  std::fill(x.values<float>().begin(), x.values<float>().end(), 0.5f);
  session.run({&x, 1});
  auto profile = session.profile();
  ASSERT_FALSE(profile.empty());
  for (const StepProfile& step : profile) {
    EXPECT_FALSE(step.kernel.empty());
    EXPECT_FALSE(step.layer.empty());
    EXPECT_GE(step.milliseconds, 0);
  }
}

TEST(DefaultShapes, FollowTheirRules) {
  std::vector<TensorInfo> inputs(2);
  inputs[0].name = "picture";
  inputs[0].dtype = DType::kFloat32;
  inputs[0].shape = Shape{-1, 3, -1, -1};
  inputs[1].name = "tokens";
  inputs[1].dtype = DType::kInt64;
  inputs[1].shape = Shape{-1, -1};
  auto shapes = default_shapes(inputs);
  EXPECT_EQ(shapes[0], (Shape{1, 3, 320, 320}));
  EXPECT_EQ(shapes[1], (Shape{1, 32}));
  EXPECT_EQ(default_shapes(inputs, {{"tokens", Shape{2, 7}}})[1], (Shape{2, 7}));
  EXPECT_THROW(default_shapes(inputs, {{"typo", Shape{1}}}), Error);
  EXPECT_THROW(default_shapes(inputs, {{"picture", Shape{1, 4, 8, 8}}}), Error);
}

}  // namespace
}  // namespace octet
