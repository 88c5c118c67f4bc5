// Weights that lie in other files.
#include <unistd.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "onnx/external_files.h"
#include "onnx/reader.h"
#include "onnx/testing.h"

namespace octet::onnx {
namespace {

class ExternalData : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / text("octet_external_", static_cast<int64_t>(getpid()), "_",
                                                           reinterpret_cast<uintptr_t>(this));
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "weights.bin", std::ios::binary) << "pad." << floats({7, 8});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string tensor_in(const std::string& location, const std::string& offset, const std::string& length) {
    Message tensor;
    tensor.integer(1, 2);
    tensor.integer(2, 1);
    tensor.bytes(8, "w");
    auto entry = [&](const char* key, const std::string& value) {
      Message pair;
      pair.bytes(1, key);
      pair.bytes(2, value);
      tensor.bytes(13, pair.text());
    };
    entry("location", location);
    if (!offset.empty()) entry("offset", offset);
    if (!length.empty()) entry("length", length);
    tensor.integer(14, 1);
    return tensor.text();
  }
  std::string write(const std::string& bytes) {
    std::string path = (folder_ / "model.onnx").string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  Model read(const std::string& location, const std::string& offset, const std::string& length) {
    return read_model(write(make_model(one_weight(tensor_in(location, offset, length)))));
  }
  std::string refused(const std::string& location, const std::string& offset, const std::string& length) {
    try {
      read(location, offset, length);
    } catch (const Error& error) {
      return error.what();
    }
    ADD_FAILURE() << "was not refused";
    return {};
  }

  std::filesystem::path folder_;
};

TEST_F(ExternalData, IsMapped) {
  Model model = read("weights.bin", "4", "8");
  Tensor tensor = model.graph->nodes().front().inputs[0]->constant();
  EXPECT_EQ(tensor.values<float>()[0], 7);
  EXPECT_EQ(tensor.values<float>()[1], 8);
}

TEST_F(ExternalData, IsCheckedBeforeUse) {
  EXPECT_NE(refused("absent.bin", "0", "8").find("absent.bin"), std::string::npos);
  EXPECT_NE(refused("../weights.bin", "0", "8").find("outside"), std::string::npos);
  EXPECT_NE(refused("a/../../weights.bin", "0", "8").find("outside"), std::string::npos);
  EXPECT_NE(refused("/etc/passwd", "0", "8").find("outside"), std::string::npos);
  EXPECT_NE(refused("weights.bin", "8", "8").find("which has 12"), std::string::npos);
  EXPECT_NE(refused("weights.bin", "999999999999999999", "8").find("which has 12"), std::string::npos);
  EXPECT_NE(refused("weights.bin", "4", "4").find("4 bytes of data"), std::string::npos);
  EXPECT_NE(refused("weights.bin", "-4", "8").find("not a number"), std::string::npos);
}

// Whatever they are called, wherever in the model they are named; files that happen to lie beside it do not count.
TEST_F(ExternalData, IsCountedByTheNamesInTheModel) {
  std::string path = write(make_model(one_weight(tensor_in("weights.bin", "4", "8"))));
  std::ofstream(path + ".data", std::ios::binary) << std::string(1000, 'x');
  EXPECT_EQ(external_files(path), std::vector<std::string>{(folder_ / "weights.bin").string()});
  EXPECT_EQ(model_file_bytes(path), static_cast<int64_t>(std::filesystem::file_size(path)) + 12);
  // In a body's constant, and once more beside it: one file.
  Message value, branch;
  value.bytes(1, "value");
  value.bytes(5, tensor_in("weights.bin", "4", "8"));
  value.integer(20, 4);
  GraphParts body;
  body.nodes = {make_node("Constant", {}, {"c"}, {value.text()})};
  body.outputs = {make_value("c")};
  branch.bytes(1, "then_branch");
  branch.bytes(6, body.text());
  branch.integer(20, 5);
  GraphParts parts = one_weight(tensor_in("other.bin", "", ""));
  parts.nodes.push_back(make_node("If", {"w"}, {"z"}, {branch.text()}));
  parts.initializers.push_back(tensor_in("weights.bin", "4", "4"));
  EXPECT_EQ(external_files(write(make_model(parts))), (std::vector<std::string>{(folder_ / "other.bin").string(), (folder_ / "weights.bin").string()}));
  EXPECT_TRUE(external_files(write("no model at all")).empty());
  EXPECT_EQ(model_file_bytes((folder_ / "absent.onnx").string()), 0);
}

}  // namespace
}  // namespace octet::onnx
