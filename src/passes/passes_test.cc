// What each pass does to small graphs, and that nothing changes in what they compute.
#include "passes/pass.h"

#include <random>

#include <gtest/gtest.h>

#include "graph/operator.h"
#include "passes/quantized_table.h"
#include "runtime/session.h"

namespace octet {
namespace {

Tensor random_tensor(Shape shape, unsigned seed, float scale = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (float& value : tensor.values<float>()) value = uniform(random);
  return tensor;
}

struct Builder {
  Model model;
  Graph& graph = *model.graph;
  Builder() { graph.opsets[""] = 17; graph.opsets["com.microsoft"] = 1; }

  Value* input(const char* name, Shape shape) { return graph.add_input(name, DType::kFloat32, std::move(shape)); }
  Value* constant(const char* name, Tensor tensor) { return graph.add_constant(name, std::move(tensor)); }
  Value* add(std::string_view op, std::vector<Value*> inputs, std::string_view domain = "") {
    Node* node = graph.add_node(domain, op, std::move(inputs), std::string(op) + "_out");
    last = node;
    return node->outputs[0];
  }
  Value* conv(Value* x, int64_t in, int64_t out, int64_t kernel, unsigned seed) {
    Value* y = add("Conv", {x, constant("w", random_tensor({out, in, kernel, kernel}, seed)), constant("b", random_tensor({out}, seed + 1))});
    last->attributes.set("pads", std::vector<int64_t>(4, kernel / 2));
    return y;
  }
  int count(std::string_view op) const {
    int found = 0;
    for (const Node& node : model.graph->nodes()) found += node.op->name == op;
    return found;
  }
  Node* last = nullptr;
};

std::vector<float> outputs_of(const Model& model, std::set<std::string, std::less<>> disabled, const char* isa, int threads = 1) {
  EngineOptions engine;
  engine.disabled_passes = std::move(disabled);
  Session session = make_session(model.clone(), {.threads = threads, .isa = isa}, engine);
  std::vector<Tensor> inputs;
  unsigned seed = 77;
  for (const TensorInfo& info : session.inputs()) inputs.push_back(random_tensor(info.shape, seed++));
  std::vector<float> all;
  for (const Tensor& tensor : session.run(inputs)) all.insert(all.end(), tensor.values<float>().begin(), tensor.values<float>().end());
  return all;
}

// The optimized model computes what the model as written computes.
void expect_same_results(const Model& model, float tolerance = 1e-4f) {
  std::set<std::string, std::less<>> everything;
  for (const Pass& pass : engine_passes())
    if (pass.run != fold_constants) everything.insert(std::string(pass.name));
  std::vector<float> plain = outputs_of(model, everything, "reference"), fast = outputs_of(model, {}, "");
  ASSERT_EQ(plain.size(), fast.size());
  ASSERT_FALSE(plain.empty());
  for (size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(plain[i], fast[i], tolerance * (1 + std::abs(plain[i]))) << "element " << i;
}

Tensor integers(std::vector<int64_t> values) {
  Tensor tensor(DType::kInt64, Shape{static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.values<int64_t>().begin());
  return tensor;
}

// Rows, then columns, then both again, from the back and beyond the end.
TEST(Passes, JoinsSlices) {
  Builder b;
  Value* x = b.input("x", {1, 3, 11, 14});
  auto slice = [&](Value* from, std::vector<int64_t> starts, std::vector<int64_t> ends, std::vector<int64_t> axes, std::vector<int64_t> steps) {
    return b.add("Slice", {from, b.constant("starts", integers(starts)), b.constant("ends", integers(ends)), b.constant("axes", integers(axes)), b.constant("steps", integers(steps))});
  };
  Value* rows = slice(x, {1}, {INT64_MAX}, {2}, {2});                    // 5 rows
  Value* columns = slice(rows, {-13}, {1000}, {-1}, {3});                // 5 columns
  Value* some = slice(columns, {-4, 1}, {5, INT64_MAX}, {2, 3}, {2, 1});   // 2 rows, 4 columns
  Value* backwards = slice(columns, {-1}, {-100}, {3}, {-1});
  for (Value* output : {b.add("Abs", {rows}), b.add("Abs", {some}), b.add("Abs", {backwards})}) b.graph.add_output(output);
  expect_same_results(b.model);
  Model model = b.model.clone();
  run_passes(*model.graph, engine_passes(), {});
  int slices = 0;
  for (const Node& node : model.graph->nodes()) {
    slices += node.op->name == "Slice";
    if (node.op->name == "Slice" && (*node.outputs[0]->shape)[2] == 2) EXPECT_EQ(node.inputs[0]->name, "x");
  }
  EXPECT_EQ(slices, 4);   // rows; x to columns; x to some; columns backwards
}

TEST(FoldConstants, ComputesShapeArithmetic) {
  Builder b;
  Value* x = b.input("x", {2, 3, 4, 5});
  Value* batch = b.add("Gather", {b.add("Shape", {x}), b.constant("zero", Tensor::of<int64_t>({0}))});
  Value* target = b.add("Concat", {batch, b.constant("rest", Tensor::of<int64_t>({-1}))});
  b.last->attributes.set("axis", int64_t{0});
  b.graph.add_output(b.add("Reshape", {x, target}));
  run_passes(b.graph, standard_passes(), {});
  EXPECT_EQ(b.graph.nodes().size(), 1u);
  EXPECT_EQ(*b.graph.outputs[0]->shape, (Shape{2, 60}));
}

TEST(FoldConstants, LeavesDequantizedWeightsToTheLowering) {
  Builder b;
  Value* w = b.add("DequantizeLinear", {b.constant("q", Tensor::of<int8_t>({1, 2})), b.constant("s", Tensor::scalar(0.5f))});
  b.graph.add_output(b.add("Add", {b.input("x", {2}), w}));
  fold_constants(b.graph, {});
  EXPECT_EQ(b.count("DequantizeLinear"), 1);
  fold_all_constants(b.graph, {});
  EXPECT_EQ(b.count("DequantizeLinear"), 0);
}

TEST(InlineConditions, TakesTheBranchThatIsKnown) {
  Builder b;
  Value* x = b.input("x", {4});
  auto branch = [&](std::string_view op) {
    auto body = std::make_shared<Graph>();
    body->opsets = b.graph.opsets;
    Value* inner = body->add_value("inner");
    inner->is_input = true;
    body->captures.push_back({inner, 0});
    body->add_output(body->add_node("", op, {inner}, "out")->outputs[0]);
    return body;
  };
  Value* y = b.add("If", {b.constant("yes", Tensor::scalar(true))});
  b.last->attributes.set("then_branch", std::shared_ptr<Graph>(branch("Neg")));
  b.last->attributes.set("else_branch", std::shared_ptr<Graph>(branch("Abs")));
  b.graph.add_capture(b.last, x);
  b.graph.add_output(y);
  run_passes(b.graph, standard_passes(), {});
  EXPECT_EQ(b.count("If"), 0);
  EXPECT_EQ(b.count("Neg"), 1);
  EXPECT_EQ(b.count("Abs"), 0);
}

TEST(FoldBatchNorm, MovesNormalizationIntoTheWeights) {
  Builder b;
  Value* y = b.conv(b.input("x", {1, 3, 8, 8}), 3, 5, 3, 1);
  Tensor variance = random_tensor({5}, 9);
  for (float& v : variance.values<float>()) v = std::abs(v) + 0.1f;
  y = b.add("BatchNormalization", {y, b.constant("scale", random_tensor({5}, 6)), b.constant("bias", random_tensor({5}, 7)),
                                   b.constant("mean", random_tensor({5}, 8)), b.constant("var", variance)});
  y = b.add("Mul", {y, b.constant("per_channel", random_tensor({1, 5, 1, 1}, 10))});
  b.graph.add_output(y);
  expect_same_results(b.model);
  run_passes(b.graph, standard_passes(), {});
  EXPECT_EQ(b.graph.nodes().size(), 1u);
}

TEST(FusePatterns, RecognisesWhatExportersWriteOut) {
  Builder b;
  Value* x = b.input("x", {1, 4, 6, 6});
  Value* silu = b.add("Mul", {x, b.add("Sigmoid", {x})});
  Value* clip = b.add("Clip", {b.add("Add", {silu, b.constant("three", Tensor::scalar(3.0f))}), b.constant("zero", Tensor::scalar(0.0f)), b.constant("six", Tensor::scalar(6.0f))});
  Value* hard = b.add("Div", {b.add("Mul", {silu, clip}), b.constant("six2", Tensor::scalar(6.0f))});
  Value* erf = b.add("Erf", {b.add("Div", {hard, b.constant("root", Tensor::scalar(1.41421356f))})});
  Value* gelu = b.add("Mul", {b.add("Mul", {hard, b.add("Add", {erf, b.constant("one", Tensor::scalar(1.0f))})}), b.constant("half", Tensor::scalar(0.5f))});
  auto mean = [&](Value* v) {
    Value* m = b.add("ReduceMean", {v});
    b.last->attributes.set("axes", std::vector<int64_t>{-1});
    return m;
  };
  Value* centered = b.add("Sub", {gelu, mean(gelu)});
  Value* variance = mean(b.add("Pow", {centered, b.constant("two", Tensor::scalar(2.0f))}));
  Value* root = b.add("Sqrt", {b.add("Add", {variance, b.constant("eps", Tensor::scalar(1e-5f))})});
  Value* norm = b.add("Mul", {b.add("Div", {centered, root}), b.constant("gamma", random_tensor({6}, 3))});
  norm = b.add("Add", {norm, b.constant("beta", random_tensor({6}, 4))});
  b.graph.add_output(norm);
  expect_same_results(b.model, 1e-3f);
  run_passes(b.graph, standard_passes(), {});
  fuse_patterns(b.graph, {});
  b.graph.verify();
  EXPECT_EQ(b.count("QuickGelu"), 1);
  EXPECT_EQ(b.count("HardSwish"), 1);
  EXPECT_EQ(b.count("Gelu"), 1);
  EXPECT_EQ(b.count("LayerNormalization"), 1);
  EXPECT_EQ(b.graph.nodes().size(), 4u);
}

TEST(FoldBatchNorm, ReachesGroupsOfTransposedConvolutions) {
  for (int64_t groups : {1, 2, 6}) {
    Builder b;
    Value* x = b.input("x", {1, 6, 5, 4});
    Value* y = b.add("ConvTranspose", {x, b.constant("w", random_tensor({6, 6 / groups, 4, 4}, 3))});
    b.last->attributes.set("group", groups);
    b.last->attributes.set("strides", std::vector<int64_t>{2, 2});
    Tensor variance = random_tensor({6}, 8);
    for (float& value : variance.values<float>()) value = std::abs(value) + 0.1f;
    y = b.add("BatchNormalization", {y, b.constant("scale", random_tensor({6}, 5)), b.constant("shift", random_tensor({6}, 6)),
                                     b.constant("mean", random_tensor({6}, 7)), b.constant("variance", std::move(variance))});
    b.graph.add_output(y);
    expect_same_results(b.model);
    run_passes(b.graph, engine_passes(), {});
    EXPECT_EQ(b.count("BatchNormalization"), 0) << groups;
  }
}

TEST(FuseResiduals, SwallowsAdditionAndClamp) {
  Builder b;
  Value* x = b.input("x", {1, 8, 9, 9});
  Value* y = b.add("Relu", {b.add("Add", {b.conv(x, 8, 8, 3, 20), x})});
  Value* z = b.add("Add", {b.conv(y, 8, 8, 1, 30), b.conv(y, 8, 8, 3, 40)});
  b.graph.add_output(z);
  expect_same_results(b.model);
  run_passes(b.graph, engine_passes(), {});
  EXPECT_EQ(b.count("Add"), 0);
  EXPECT_EQ(b.count("Relu"), 0);
  EXPECT_EQ(b.count("FusedConv"), 2);
}

TEST(ChooseLayout, KeepsChainsChannelsLast) {
  Builder b;
  Value* x = b.input("x", {1, 3, 16, 16});
  Value* y = b.conv(x, 3, 8, 3, 1);
  y = b.add("Mul", {b.add("Sigmoid", {y}), b.constant("channel", random_tensor({8, 1, 1}, 5))});
  y = b.conv(y, 8, 4, 3, 2);
  Value* nhwc = b.add("Transpose", {y});
  b.last->attributes.set("perm", std::vector<int64_t>{0, 2, 3, 1});
  b.graph.add_output(b.add("Reshape", {nhwc, b.constant("shape", Tensor::of<int64_t>({1, -1, 2}))}));
  expect_same_results(b.model);
  run_passes(b.graph, engine_passes(), {});
  EXPECT_EQ(b.count("Relayout"), 1);     // the picture on its way in
  EXPECT_EQ(b.count("Transpose"), 0);    // the head wants the order that is there
}

TEST(ChooseLayout, ReadsHeadsThatSplitTheirChannelsInPlace) {
  for (bool fits : {true, false}) {
    Builder b;
    Value* y = b.conv(b.input("x", {2, 3, 6, 5}), 3, 12, 3, 1);
    Value* split = b.add("Reshape", {y, b.constant("parts", Tensor::of<int64_t>({2, 3, 4, 6, 5}))});
    Value* last = b.add("Transpose", {split});
    b.last->attributes.set("perm", fits ? std::vector<int64_t>{0, 3, 4, 1, 2} : std::vector<int64_t>{0, 3, 4, 2, 1});
    b.graph.add_output(b.add("Reshape", {last, b.constant("rows", Tensor::of<int64_t>({2, -1, 4}))}));
    expect_same_results(b.model);
    run_passes(b.graph, engine_passes(), {});
    EXPECT_EQ(b.count("Transpose"), fits ? 0 : 1);
    EXPECT_EQ(b.count("Relayout"), fits ? 1 : 2);   // the picture on its way in
  }
}

TEST(ChooseLayout, RestoresOutputsInOnnxOrder) {
  Builder b;
  b.graph.add_output(b.conv(b.input("x", {2, 3, 5, 7}), 3, 4, 3, 1));
  std::string name = b.graph.outputs[0]->name;
  expect_same_results(b.model);
  run_passes(b.graph, engine_passes(), {});
  EXPECT_EQ(b.graph.outputs[0]->layout, Layout::kOnnx);
  EXPECT_EQ(b.graph.outputs[0]->name, name);
}

// x → Q → DQ → Conv(DQ weights) → Relu → Q → DQ → MaxPool → Q → DQ → Sigmoid → Q → DQ
struct QuantizedBuilder : Builder {
  Value* scale(float value) { return constant("scale", Tensor::scalar(value)); }
  Value* pair(Value* x, float s, uint8_t zero) {
    Value* zero_point = constant("zero", Tensor::scalar(zero));
    Value* q = add("QuantizeLinear", {x, scale(s), zero_point});
    return add("DequantizeLinear", {q, scale(s), zero_point});
  }
  Value* weights(Shape shape, unsigned seed) {
    std::mt19937 random(seed);
    Tensor q(DType::kInt8, std::move(shape));
    for (int8_t& value : q.values<int8_t>()) value = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
    return add("DequantizeLinear", {constant("wq", std::move(q)), scale(0.01f), constant("wz", Tensor::scalar(int8_t{0}))});
  }
};

TEST(LowerQuantized, TurnsAChainIntoIntegerOperators) {
  QuantizedBuilder b;
  Value* x = b.pair(b.input("x", {1, 4, 8, 8}), 0.01f, 128);
  Value* y = b.add("Conv", {x, b.weights({6, 4, 3, 3}, 3)});
  y = b.pair(b.add("Relu", {y}), 0.004f, 10);
  y = b.add("MaxPool", {y});
  b.last->attributes.set("kernel_shape", std::vector<int64_t>{2, 2});
  b.last->attributes.set("strides", std::vector<int64_t>{2, 2});
  y = b.pair(y, 0.004f, 10);
  y = b.pair(b.add("Sigmoid", {y}), 1.0f / 256, 0);
  b.graph.add_output(y);
  Builder lowered;
  lowered.model = b.model.clone();
  run_passes(*lowered.model.graph, engine_passes(), {});
  EXPECT_EQ(lowered.count("QLinearConv"), 1);
  EXPECT_EQ(lowered.count("Table"), 1);
  EXPECT_EQ(lowered.count("QuantizeLinear"), 1);
  EXPECT_EQ(lowered.count("DequantizeLinear"), 1);
  for (const Node& node : lowered.model.graph->nodes())
    if (node.op->name == "QLinearConv") EXPECT_EQ(node.attributes.integer("clamp_min", -1), 10);   // what Relu leaves
    else if (node.op->name == "MaxPool") EXPECT_EQ(node.outputs[0]->dtype, DType::kUInt8);

  // The float path between the pairs differs from the integer one by at most one step, in rare ties.
  std::vector<float> floats = outputs_of(b.model, {"lower-quantized"}, "reference"), integers = outputs_of(b.model, {}, "");
  int different = 0;
  for (size_t i = 0; i < floats.size(); ++i) {
    different += floats[i] != integers[i];
    ASSERT_NEAR(floats[i], integers[i], 1.01f / 256) << i;
  }
  EXPECT_LE(different, static_cast<int>(floats.size() / 100));
}

TEST(LowerQuantized, SameBitsAtEveryLevelAndThreadCount) {
  QuantizedBuilder b;
  Value* x = b.pair(b.input("x", {1, 4, 11, 9}), 0.01f, 128);
  Value* y = b.pair(b.add("Conv", {x, b.weights({32, 4, 3, 3}, 3)}), 0.006f, 120);
  Value* z = b.pair(b.add("Conv", {y, b.weights({32, 32, 1, 1}, 4)}), 0.02f, 100);
  b.graph.add_output(b.pair(b.add("Add", {y, z}), 0.02f, 110));
  std::vector<float> reference = outputs_of(b.model, {}, "reference");
  for (Isa isa : supported_isas())
    for (int threads : {1, 2, 4}) EXPECT_EQ(outputs_of(b.model, {}, isa_name(isa), threads), reference) << isa_name(isa) << " " << threads;
}

TEST(QuantizedTable, FollowsDequantizeAndQuantize) {
  QuantizedParameters from{DType::kInt8, 0.5f, 3, -128, 127}, to{DType::kUInt8, 0.25f, 7, 0, 255};
  Tensor table = make_table(from, to, [](double x) { return x; });
  EXPECT_EQ(table.data<uint8_t>()[5], (5 - 3) * 2 + 7);
  EXPECT_EQ(table.data<uint8_t>()[static_cast<uint8_t>(-128)], 0);   // saturates
  EXPECT_EQ(table.data<uint8_t>()[127], 255);
  EXPECT_EQ(quantize_value(std::nan(""), to), 7);
}

TEST(RunPasses, CanBeSwitchedOffAndReported) {
  Builder b;
  b.graph.add_output(b.add("Relu", {b.conv(b.input("x", {1, 3, 5, 5}), 3, 4, 3, 1)}));
  std::vector<std::string> names;
  PassOptions options;
  options.disabled = {"fuse-activations"};
  options.report = [&](const PassReport& report) { names.emplace_back(report.name); };
  run_passes(b.graph, engine_passes(), options);
  EXPECT_EQ(b.count("Relu"), 1);
  EXPECT_EQ(names.size(), engine_passes().size() - 1);
}

}  // namespace
}  // namespace octet
