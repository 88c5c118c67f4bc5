#include "onnx/writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "base/error.h"
#include "graph/operator.h"
#include "onnx/testing.h"

namespace octet::onnx {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / text("octet_writer_", static_cast<int64_t>(getpid()), "_", reinterpret_cast<uintptr_t>(this))) { fs::create_directories(path_); }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }
  size_t count() const { return static_cast<size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator())); }

 private:
  fs::path path_;
};

// x → Identity → y, and a weight → Identity → z.
Model small_model(int64_t weights = 3) {
  Model model;
  model.graph->opsets[""] = 13;
  model.graph->name = "g";
  Value* x = model.graph->add_input("x", DType::kFloat32, Shape{Shape::kUnknown, 2});
  x->symbols = {"batch", ""};
  Tensor tensor(DType::kFloat32, Shape{weights});
  for (int64_t i = 0; i < weights; ++i) tensor.data<float>()[i] = static_cast<float>(i);
  Value* w = model.graph->add_constant("w", tensor);
  Node* first = model.graph->add_node("", "Identity", {x}, "y");
  Node* second = model.graph->add_node("", "Identity", {w}, "z");
  infer_node(*first);
  infer_node(*second);
  model.graph->add_output(first->outputs[0]);
  model.graph->add_output(second->outputs[0]);
  return model;
}

TEST(Writer, WritesWhatTheReaderReads) {
  Model model = small_model();
  model.producer_name = "maker";
  model.doc_string = "what it does";
  model.set_metadata("key", "value");
  Model back = read_text(model_bytes(model));
  EXPECT_EQ(back.producer_name, "maker");
  EXPECT_EQ(back.doc_string, "what it does");
  EXPECT_EQ(*back.find_metadata("key"), "value");
  EXPECT_EQ(back.graph->inputs[0]->symbols, (std::vector<std::string>{"batch", ""}));
  EXPECT_EQ(graph_difference(*model.graph, *back.graph), "");
}

TEST(Writer, WritesEveryKindOfAttribute) {
  Model model = small_model();
  Attributes& attributes = model.graph->nodes().front().attributes;
  attributes.set("integer", int64_t{-3});
  attributes.set("real", -0.0f);
  attributes.set("string", std::string("a\0b", 3));
  attributes.set("tensor", Tensor::of<int8_t>({1, -2}));
  attributes.set("integers", std::vector<int64_t>{1, -1, INT64_MIN});
  attributes.set("reals", std::vector<float>{1.5f, std::numeric_limits<float>::quiet_NaN()});
  attributes.set("strings", std::vector<std::string>{"", "x"});
  attributes.set("empty", std::vector<int64_t>{});
  Model back = read_text(model_bytes(model));
  EXPECT_EQ(graph_difference(*model.graph, *back.graph), "");
}

TEST(Writer, WritesEveryElementType) {
  for (int code = 1; code <= static_cast<int>(DType::kFloat4E2M1); ++code) {
    DType dtype = static_cast<DType>(code);
    if (dtype == DType::kString || dtype == DType::kComplex64 || dtype == DType::kComplex128) continue;
    Model model = small_model();
    Tensor tensor(dtype, Shape{3});
    std::memset(tensor.raw(), 1, tensor.bytes());
    Value* value = model.graph->add_constant("typed", tensor);
    Node* node = model.graph->add_node("", "Identity", {value}, "t");
    infer_node(*node);
    model.graph->add_output(node->outputs[0]);
    Model back = read_text(model_bytes(model));
    EXPECT_EQ(graph_difference(*model.graph, *back.graph), "") << dtype_name(dtype);
  }
}

TEST(Writer, GivesNamesToWhatHasNone) {
  Model model = small_model();
  for (Value& value : model.graph->values())
    if (value.is_constant()) value.name = "x";   // as a pass may leave it
  Model back = read_text(model_bytes(model));
  EXPECT_EQ(back.graph->inputs[0]->name, "x");
  EXPECT_EQ(back.graph->nodes().back().inputs[0]->name, "x_1");
}

TEST(Writer, ListsInitializersAsInputsInOldVersions) {
  Model model = small_model();
  model.ir_version = 3;
  std::string bytes = model_bytes(model);
  Model back = read_text(bytes);
  EXPECT_EQ(back.graph->inputs.size(), 1u);
  EXPECT_EQ(back.ir_version, 3);
  EXPECT_EQ(bytes, model_bytes(back));
  model.ir_version = 8;
  EXPECT_LT(model_bytes(model).size(), bytes.size());
}

TEST(Writer, KeepsUnknownFields) {
  Message node_doc, graph_doc;
  node_doc.bytes(6, "about the node");
  graph_doc.bytes(10, "about the graph");
  Model model = small_model();
  model.graph->nodes().front().unknown_fields = node_doc.text();
  model.graph->unknown_fields = graph_doc.text();
  Model back = read_text(model_bytes(model));
  EXPECT_EQ(graph_difference(*model.graph, *back.graph), "");
}

TEST(Writer, RefusesWhatAFileCannotSay) {
  static constexpr OperatorDef internal{.domain = "octet", .name = "Internal"};
  Model model = small_model();
  model.graph->add_node(internal, {model.graph->inputs[0]}, {model.graph->add_value("inner")});
  EXPECT_THROW(model_bytes(model), Error);
  Model old = small_model();
  old.graph->nodes().front().version = 9;
  EXPECT_THROW(model_bytes(old), Error);
}

TEST(Writer, PutsLargeTensorsBesideTheModel) {
  Folder folder;
  Model model = small_model(1000);
  write_model(model, folder.file("m.onnx"), {.max_bytes = 2000, .min_external_bytes = 1000});
  EXPECT_EQ(fs::file_size(folder.file("m.onnx.data")), 4000u);
  EXPECT_LT(fs::file_size(folder.file("m.onnx")), 2000u);
  Model back = read_model(folder.file("m.onnx"));
  EXPECT_EQ(graph_difference(*model.graph, *back.graph), "");
  write_model(back, folder.file("whole.onnx"));
  EXPECT_FALSE(fs::exists(folder.file("whole.onnx.data")));
}

TEST(Writer, MayWriteOverTheFileItReads) {
  Folder folder;
  write_model(small_model(1000), folder.file("m.onnx"));
  Model model = read_model(folder.file("m.onnx"));
  write_model(model, folder.file("m.onnx"));
  EXPECT_EQ(model_difference(model, read_model(folder.file("m.onnx"))), "");
  EXPECT_EQ(folder.count(), 1u);
}

TEST(Writer, LeavesTheOldFileWhenItFails) {
  Folder folder;
  std::ofstream(folder.file("m.onnx")) << "old";
  Model broken = small_model();
  broken.graph->nodes().front().version = 9;
  EXPECT_THROW(write_model(broken, folder.file("m.onnx")), Error);
  EXPECT_EQ(fs::file_size(folder.file("m.onnx")), 3u);
  EXPECT_EQ(folder.count(), 1u);
  try {
    write_model(small_model(), folder.file("absent/m.onnx"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), folder.file("absent/m.onnx"));
  }
}

// /dev/full takes every open and refuses every write, as a full disk does.
TEST(Writer, SaysThatTheDiskIsFull) {
  Folder folder;
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::string path = folder.file("m.onnx");
  fs::create_symlink("/dev/full", text(path, '.', static_cast<int64_t>(getpid()), ".octet.tmp"));
  try {
    write_model(small_model(), path);
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::kInputOutput));
    EXPECT_EQ(error.file(), path);
    EXPECT_NE(std::string(error.what()).find("space"), std::string::npos) << error.what();
  }
  EXPECT_EQ(folder.count(), 0u);
}

}  // namespace
}  // namespace octet::onnx
