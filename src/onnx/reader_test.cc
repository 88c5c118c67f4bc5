#include "onnx/reader.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "graph/operator.h"
#include "onnx/testing.h"
#include "onnx/writer.h"

namespace octet::onnx {
namespace {

GraphParts one_node() {
  GraphParts parts;
  parts.inputs = {make_value("x")};
  parts.outputs = {make_value("y")};
  parts.nodes = {make_node("Identity", {"x"}, {"y"})};
  return parts;
}

// Reads bytes that must be refused; returns the message.
std::string refusal(const std::string& bytes, ErrorCode code = ErrorCode::kInvalidModel, const ReadOptions& options = {}) {
  try {
    read_text(bytes, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), "test.onnx") << error.what();
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

void expect_refused(const std::string& bytes, const std::string& part, ErrorCode code = ErrorCode::kInvalidModel) {
  std::string message = refusal(bytes, code);
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Reader, ReadsAModel) {
  Message extra;
  Message entry;
  entry.bytes(1, "author");
  entry.bytes(2, "somebody");
  extra.bytes(2, "maker");
  extra.bytes(14, entry.text());
  extra.bytes(99, "kept");
  Model model = read_text(make_model(one_node(), 13, 8, {}, extra.text()));
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.producer_name, "maker");
  ASSERT_NE(model.find_metadata("author"), nullptr);
  EXPECT_EQ(*model.find_metadata("author"), "somebody");
  EXPECT_NE(model.unknown_fields.find("kept"), std::string::npos);
  Graph& graph = *model.graph;
  EXPECT_EQ(graph.opsets.at(""), 13);
  ASSERT_EQ(graph.nodes().size(), 1u);
  EXPECT_EQ(graph.nodes().front().version, 13);
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.inputs[0]->dtype, DType::kFloat32);
  EXPECT_EQ(*graph.inputs[0]->shape, Shape{2});
  EXPECT_EQ(graph.outputs[0]->name, "y");
}

TEST(Reader, KeepsSymbols) {
  GraphParts parts = one_node();
  parts.inputs = {make_value("x", DType::kFloat32, {-1, 3})};
  Model model = read_text(make_model(parts));
  EXPECT_EQ(*model.graph->inputs[0]->shape, (Shape{Shape::kUnknown, 3}));
  EXPECT_EQ(model.graph->inputs[0]->symbols, (std::vector<std::string>{"free", ""}));
}

TEST(Reader, SortsNodes) {
  GraphParts parts = one_node();
  parts.nodes = {make_node("Identity", {"t"}, {"y"}), make_node("Identity", {"x"}, {"t"})};
  Model model = read_text(make_model(parts));
  EXPECT_EQ(model.graph->nodes().front().outputs[0]->name, "t");
}

TEST(Reader, DecodesEveryEncoding) {
  auto weight = [](const std::string& tensor) {
    Model model = read_text(make_model(one_weight(tensor)));
    return model.graph->nodes().front().inputs[0]->constant();
  };
  auto head = [](DType dtype, std::vector<int64_t> dims, auto fill) {
    Message tensor;
    for (int64_t extent : dims) tensor.integer(1, extent);
    tensor.integer(2, static_cast<int64_t>(dtype));
    tensor.bytes(8, "w");
    fill(tensor);
    return tensor.text();
  };
  Tensor raw = weight(make_tensor("w", DType::kFloat32, {2}, floats({1.5f, -2})));
  EXPECT_EQ(raw.values<float>()[1], -2);
  Tensor packed = weight(head(DType::kFloat32, {2}, [](Message& m) { m.bytes(4, floats({3, 4})); }));
  EXPECT_EQ(packed.values<float>()[1], 4);
  Tensor single = weight(head(DType::kFloat32, {2}, [](Message& m) { m.real(4, 5); m.real(4, 6); }));
  EXPECT_EQ(single.values<float>()[1], 6);
  Tensor runs = weight(head(DType::kFloat32, {3}, [](Message& m) { m.bytes(4, floats({3, 4})); m.bytes(4, floats({7})); }));
  EXPECT_EQ(runs.values<float>()[0], 3);
  EXPECT_EQ(runs.values<float>()[2], 7);
  Tensor half = weight(head(DType::kFloat16, {2}, [](Message& m) { m.integer(5, 0x3c00); m.integer(5, 0xbc00); }));
  EXPECT_EQ(half.values<Float16>()[1].bits, 0xbc00);
  Tensor bytes = weight(head(DType::kInt8, {2}, [](Message& m) { m.integer(5, -1); m.integer(5, 7); }));
  EXPECT_EQ(bytes.values<int8_t>()[0], -1);
  Tensor longs = weight(head(DType::kInt64, {1}, [](Message& m) { m.integer(7, -5); }));
  EXPECT_EQ(longs.values<int64_t>()[0], -5);
  Tensor words = weight(head(DType::kUInt32, {1}, [](Message& m) { m.integer(11, 0xffffffff); }));
  EXPECT_EQ(words.values<uint32_t>()[0], 0xffffffffu);
  Tensor bools = weight(make_tensor("w", DType::kBool, {2}, std::string("\x05\x00", 2)));
  EXPECT_EQ(static_cast<const uint8_t*>(bools.raw())[0], 1);
  Tensor nibbles = weight(head(DType::kInt4, {3}, [](Message& m) { m.integer(5, 0x21); m.integer(5, 0x03); }));
  EXPECT_EQ(static_cast<const uint8_t*>(nibbles.raw())[1], 3);
  Tensor doubles = weight(head(DType::kFloat64, {1}, [](Message& m) {
    double value = 0.1;
    m.bytes(10, std::string(reinterpret_cast<const char*>(&value), 8));
  }));
  EXPECT_EQ(doubles.values<double>()[0], 0.1);
}

TEST(Reader, MakesSparseTensorsDense) {
  int64_t indices[] = {0, 1, 1, 2};
  Message sparse;
  sparse.bytes(1, make_tensor("w", DType::kFloat32, {2}, floats({5, 6})));
  sparse.bytes(2, make_tensor("", DType::kInt64, {2, 2}, std::string(reinterpret_cast<const char*>(indices), sizeof indices)));
  sparse.integer(3, 2);
  sparse.integer(3, 3);
  GraphParts parts = one_weight({});
  parts.initializers.clear();
  parts.sparse = {sparse.text()};
  Model model = read_text(make_model(parts));
  Tensor tensor = model.graph->nodes().front().inputs[0]->constant();
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(tensor.values<float>()[1], 5);
  EXPECT_EQ(tensor.values<float>()[5], 6);
  ReadOptions tight;
  tight.max_expanded_bytes = 16;
  refusal(make_model(parts), ErrorCode::kResourceLimit, tight);
}

TEST(Reader, TurnsConstantNodesIntoConstants) {
  Message attribute;
  attribute.bytes(1, "value_ints");
  attribute.integer(8, 4);
  attribute.integer(8, 5);
  attribute.integer(20, 7);
  GraphParts parts;
  parts.nodes = {make_node("Constant", {}, {"c"}, {attribute.text()}), make_node("Identity", {"c"}, {"y"})};
  parts.outputs = {make_value("y", DType::kInt64)};
  Model model = read_text(make_model(parts));
  ASSERT_EQ(model.graph->nodes().size(), 1u);
  EXPECT_EQ(model.graph->nodes().front().inputs[0]->constant().values<int64_t>()[1], 5);
}

TEST(Reader, TreatsInitializersThatAreInputsAsConstants) {
  GraphParts parts = one_weight(make_tensor("w", DType::kFloat32, {2}, floats({1, 2})));
  parts.inputs = {make_value("w")};
  Model model = read_text(make_model(parts, 8, 3));
  EXPECT_TRUE(model.graph->inputs.empty());
  EXPECT_TRUE(model.graph->nodes().front().inputs[0]->is_constant());
}

// f(a, b; alpha) = Identity(a), and an unused parameter.
std::string make_function(std::vector<std::string> nodes, std::vector<std::string> inputs = {"a", "b"},
                          std::vector<std::string> outputs = {"r"}) {
  Message function;
  function.bytes(1, "Twice");
  for (const auto& input : inputs) function.bytes(4, input);
  for (const auto& output : outputs) function.bytes(5, output);
  function.bytes(6, "value");
  for (const auto& node : nodes) function.bytes(7, node);
  function.bytes(9, make_opset("", 13));
  function.bytes(9, make_opset("local", 1));
  function.bytes(10, "local");
  return function.text();
}

TEST(Reader, InlinesFunctions) {
  std::string function = make_function({make_node("Identity", {"a"}, {"t"}), make_node("Identity", {"t"}, {"r"})});
  GraphParts parts = one_node();
  parts.nodes = {make_node("Twice", {"x"}, {"t"}, {}, "local"), make_node("Twice", {"t"}, {"y"}, {}, "local")};
  Model model = read_text(make_model(parts, 13, 8, {function}));
  EXPECT_EQ(model.graph->nodes().size(), 4u);
  EXPECT_EQ(model.graph->nodes().back().outputs[0]->name, "y");
  EXPECT_EQ(model.graph->nodes().front().inputs[0]->name, "x");
}

TEST(Reader, ResolvesAttributeReferencesOfFunctions) {
  Message reference;
  reference.bytes(1, "value_int");
  reference.bytes(21, "value");
  reference.integer(20, 2);
  Message argument;
  argument.bytes(1, "value");
  argument.integer(3, 42);
  argument.integer(20, 2);
  std::string function = make_function({make_node("Constant", {}, {"r"}, {reference.text()})});
  GraphParts parts;
  parts.nodes = {make_node("Twice", {}, {"c"}, {argument.text()}, "local"), make_node("Identity", {"c"}, {"y"})};
  parts.outputs = {make_value("y", DType::kInt64, {})};
  Model model = read_text(make_model(parts, 13, 8, {function}));
  EXPECT_EQ(model.graph->nodes().front().inputs[0]->constant().values<int64_t>()[0], 42);
}

TEST(Reader, CopiesWhatAFunctionHandsThrough) {
  std::string function = make_function({}, {"a"}, {"a"});
  GraphParts parts = one_node();
  parts.nodes = {make_node("Twice", {"x"}, {"y"}, {}, "local")};
  Model model = read_text(make_model(parts, 13, 8, {function}));
  ASSERT_EQ(model.graph->nodes().size(), 1u);
  EXPECT_EQ(model.graph->nodes().front().op->name, "Identity");
}

TEST(Reader, RefusesFunctionsThatCallThemselves) {
  std::string function = make_function({make_node("Twice", {"a"}, {"r"}, {}, "local")});
  GraphParts parts = one_node();
  parts.nodes = {make_node("Twice", {"x"}, {"y"}, {}, "local")};
  refusal(make_model(parts, 13, 8, {function}), ErrorCode::kResourceLimit);
}

TEST(Reader, ListsEveryMissingOperator) {
  GraphParts parts = one_node();
  parts.nodes = {make_node("Frobnicate", {"x"}, {"t"}), make_node("Frobnicate", {"t"}, {"u"}),
                 make_node("Twirl", {"u"}, {"y"}, {}, "com.example")};
  std::string message = refusal(make_model(parts), ErrorCode::kUnsupported);
  EXPECT_NE(message.find("2 operators"), std::string::npos) << message;
  EXPECT_NE(message.find("Frobnicate (version 13, node 't' and 1 more)"), std::string::npos) << message;
  EXPECT_NE(message.find("com.example::Twirl (version 1, node 'y')"), std::string::npos) << message;
}

TEST(Reader, RefusesBrokenStructure) {
  auto with_nodes = [](std::vector<std::string> nodes) {
    GraphParts parts = one_node();
    parts.nodes = std::move(nodes);
    return make_model(parts);
  };
  expect_refused("", "empty");
  expect_refused("hello world, this is no model", "test.onnx");
  expect_refused("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer");
  expect_refused(with_nodes({make_node("Identity", {"z"}, {"y"})}), "uses 'z'");
  expect_refused(with_nodes({make_node("Identity", {"x"}, {"y"}), make_node("Identity", {"x"}, {"y"})}), "'y' is given to two values");
  expect_refused(with_nodes({make_node("Identity", {"x"}, {"x"})}), "'x' is given to two values");
  expect_refused(with_nodes({make_node("Identity", {"u"}, {"t"}), make_node("Identity", {"t"}, {"u"}), make_node("Identity", {"x"}, {"y"})}),
                 "cycle");
  expect_refused(with_nodes({}), "graph output 'y'");
  expect_refused(with_nodes({make_node("Identity", {}, {"y"})}), "0 inputs");
  expect_refused(with_nodes({make_node("Identity", {"x", "x"}, {"y"})}), "2 inputs");
  expect_refused(make_model(one_node(), 24), "opset 24", ErrorCode::kUnsupported);
  expect_refused(make_model(one_node(), 13, 14), "IR version 14", ErrorCode::kUnsupported);
  Message training;
  training.bytes(20, "");
  expect_refused(make_model(one_node(), 13, 8, {}, training.text()), "training", ErrorCode::kUnsupported);
}

TEST(Reader, RefusesTypesOtherThanTensors) {
  Message sequence, type, value;
  sequence.bytes(1, "");
  type.bytes(4, sequence.text());
  value.bytes(1, "x");
  value.bytes(2, type.text());
  GraphParts parts = one_node();
  parts.inputs = {value.text()};
  expect_refused(make_model(parts), "'x' is a sequence", ErrorCode::kUnsupported);
  parts.inputs = {make_value("x", DType::kString)};
  expect_refused(make_model(parts), "strings", ErrorCode::kUnsupported);
}

TEST(Reader, RefusesBrokenTensors) {
  auto weight = [](DType dtype, std::vector<int64_t> dims, const std::string& raw) {
    return make_model(one_weight(make_tensor("w", dtype, std::move(dims), raw)));
  };
  expect_refused(weight(DType::kFloat32, {2}, "abc"), "3 bytes of data, its shape 2 of float32 needs 8");
  expect_refused(weight(DType::kFloat32, {-1}, ""), "negative extent");
  expect_refused(weight(DType::kFloat32, {int64_t{1} << 40, int64_t{1} << 40}, ""), "too large", ErrorCode::kResourceLimit);
  expect_refused(weight(DType::kUInt8, {int64_t{1} << 50}, ""), "too large", ErrorCode::kResourceLimit);
  expect_refused(weight(DType::kFloat32, std::vector<int64_t>(17, 1), "abcd"), "17 axes", ErrorCode::kResourceLimit);
  expect_refused(weight(DType::kUndefined, {1}, "a"), "no element type");
  expect_refused(weight(DType::kComplex64, {1}, "12345678"), "complex", ErrorCode::kUnsupported);
  expect_refused(weight(static_cast<DType>(77), {1}, "a"), "unknown element type 77", ErrorCode::kUnsupported);
}

std::string make_branch(const char* name, const GraphParts& body) {
  Message attribute;
  attribute.bytes(1, name);
  attribute.bytes(6, body.text());
  attribute.integer(20, 5);
  return attribute.text();
}

GraphParts make_body(const std::string& from, const std::string& to) {
  GraphParts body;
  body.nodes = {make_node("Identity", {from}, {to})};
  body.outputs = {make_value(to)};
  return body;
}

// y = If(c) { Identity(t) } else { x }, where t = Identity(x): written in the wrong order.
GraphParts conditional() {
  GraphParts parts;
  parts.inputs = {make_value("x"), make_value("c", DType::kBool, {})};
  GraphParts hand_through;
  hand_through.outputs = {make_value("x")};
  parts.nodes = {make_node("If", {"c"}, {"y"}, {make_branch("then_branch", make_body("t", "inner")), make_branch("else_branch", hand_through)}),
                 make_node("Identity", {"x"}, {"t"})};
  parts.outputs = {make_value("y")};
  return parts;
}

TEST(Reader, MakesOuterValuesCaptures) {
  Model model = read_text(make_model(conditional()));
  Graph& graph = *model.graph;
  ASSERT_EQ(graph.nodes().size(), 2u);
  const Node& node = graph.nodes().back();
  EXPECT_EQ(node.op->name, "If");
  ASSERT_EQ(node.captures.size(), 2u);
  EXPECT_EQ(node.captures[0]->name, "t");
  EXPECT_EQ(node.captures[1], graph.inputs[0]);
  const Graph& then_branch = *node.attributes.graph("then_branch");
  ASSERT_EQ(then_branch.captures.size(), 1u);
  EXPECT_EQ(then_branch.captures[0].index, 0u);
  EXPECT_EQ(then_branch.captures[0].inner, then_branch.nodes().front().inputs[0]);
  EXPECT_TRUE(then_branch.captures[0].inner->is_input);
  const Graph& else_branch = *node.attributes.graph("else_branch");
  ASSERT_EQ(else_branch.captures.size(), 1u);
  EXPECT_EQ(else_branch.captures[0].index, 1u);
  EXPECT_EQ(else_branch.outputs[0], else_branch.captures[0].inner);
}

TEST(Reader, ChainsCapturesThroughNestedBodies) {
  GraphParts middle;
  middle.nodes = {make_node("If", {"c"}, {"m"}, {make_branch("then_branch", make_body("x", "a")), make_branch("else_branch", make_body("w", "b"))})};
  middle.outputs = {make_value("m")};
  GraphParts parts;
  parts.inputs = {make_value("x"), make_value("c", DType::kBool, {})};
  parts.initializers = {make_tensor("w", DType::kFloat32, {2}, std::string(8, '\0'))};
  parts.nodes = {make_node("If", {"c"}, {"y"}, {make_branch("then_branch", middle), make_branch("else_branch", make_body("x", "e"))})};
  parts.outputs = {make_value("y")};
  std::string bytes = make_model(parts);
  Model model = read_text(bytes);
  const Node& outer = model.graph->nodes().front();
  EXPECT_EQ(outer.captures.size(), 3u);   // c, x and w
  const Graph& body = *outer.attributes.graph("then_branch");
  EXPECT_EQ(body.captures.size(), 3u);
  const Node& inner = body.nodes().front();
  ASSERT_EQ(inner.captures.size(), 2u);
  for (const Value* value : inner.captures) EXPECT_TRUE(value->is_input);
  EXPECT_EQ(graph_difference(*model.graph, *read_text(model_bytes(model)).graph), "");
}

TEST(Reader, InlinesFunctionsIntoBodies) {
  std::string function = make_function({make_node("If", {"b"}, {"r"}, {make_branch("then_branch", make_body("a", "i")), make_branch("else_branch", make_body("a", "j"))})});
  GraphParts body;
  body.nodes = {make_node("Twice", {"x", "c"}, {"m"}, {}, "local")};
  body.outputs = {make_value("m")};
  GraphParts parts;
  parts.inputs = {make_value("x"), make_value("c", DType::kBool, {})};
  parts.nodes = {make_node("If", {"c"}, {"y"}, {make_branch("then_branch", body), make_branch("else_branch", make_body("x", "e"))})};
  parts.outputs = {make_value("y")};
  Model model = read_text(make_model(parts, 13, 8, {function}));
  EXPECT_EQ(graph_difference(*model.graph, *read_text(model_bytes(model)).graph), "");
}

TEST(Writer, NamesCapturesAfterTheirValues) {
  Model model = read_text(make_model(conditional()));
  // A pass renames the outer value to a name that the body uses for one of its own.
  model.graph->nodes().back().captures[0]->name = "inner";
  Model back = read_text(model_bytes(model));
  const Node& node = back.graph->nodes().back();
  const Graph& body = *node.attributes.graph("then_branch");
  ASSERT_EQ(body.captures.size(), 1u);
  EXPECT_EQ(body.captures[0].inner->name, "inner");
  EXPECT_EQ(body.outputs[0]->name, "inner_1");
}

TEST(Reader, RefusesDeepNesting) {
  GraphParts innermost = one_node();
  innermost.inputs.clear();
  std::string body = innermost.text();
  for (int depth = 0; depth < 80; ++depth) {
    Message attribute;
    attribute.bytes(1, "then_branch");
    attribute.bytes(6, body);
    attribute.integer(20, 5);
    GraphParts parts;
    parts.nodes = {make_node("If", {"x"}, {"y"}, {attribute.text()})};
    parts.outputs = {make_value("y")};
    body = parts.text();
  }
  Message model;
  model.integer(1, 8);
  model.bytes(8, make_opset("", 13));
  model.bytes(7, body);
  refusal(model.text(), ErrorCode::kResourceLimit);
}

// What it says must work.
TEST(Reader, TellsTheWayFromACheckpointToAModel) {
  std::string message = refusal("PK\x03\x04 and more");
  EXPECT_NE(message.find("torch.onnx.export"), std::string::npos) << message;
}

TEST(Reader, NamesFilesThatCannotBeRead) {
  for (const char* path : {"/nonexistent/model.onnx", "/tmp"}) {
    try {
      read_model(path);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), path);
    }
  }
}

}  // namespace
}  // namespace octet::onnx
