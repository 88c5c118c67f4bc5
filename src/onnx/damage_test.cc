// Damaged files: whatever happens to the bytes, reading ends in a Model or an Error, soon and without large allocations.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "onnx/testing.h"

namespace octet::onnx {
namespace {

// One of everything that the reader walks over.
std::string rich_model() {
  GraphParts parts;
  parts.inputs = {make_value("x", DType::kFloat32, {-1, 2})};
  parts.outputs = {make_value("y", DType::kFloat32, {-1, 2}), make_value("z"), make_value("s", DType::kFloat32, {2, 3})};
  parts.values = {make_value("t", DType::kFloat32, {-1, 2})};
  parts.initializers = {make_tensor("w", DType::kFloat32, {2}, std::string(8, '\1'))};
  Message sparse;
  sparse.bytes(1, make_tensor("v", DType::kFloat32, {1}, std::string(4, '\2')));
  sparse.bytes(2, make_tensor("", DType::kInt64, {1}, std::string("\5\0\0\0\0\0\0\0", 8)));
  sparse.integer(3, 2);
  sparse.integer(3, 3);
  parts.sparse = {sparse.text()};
  Message packed, constant, reference;
  packed.integer(1, 3);
  packed.integer(2, 6);
  packed.bytes(5, "\1\2\3");
  constant.bytes(1, "value");
  constant.bytes(5, packed.text());
  constant.integer(20, 4);
  Message list;
  list.bytes(1, "list");
  list.integer(8, 7);
  list.integer(20, 7);
  parts.nodes = {make_node("Twice", {"x"}, {"t"}, {}, "local"), make_node("Identity", {"t"}, {"y"}, {list.text()}),
                 make_node("Identity", {"w"}, {"z"}), make_node("Identity", {"v"}, {"s"}),
                 make_node("Constant", {}, {"c"}, {constant.text()})};
  Message function;
  function.bytes(1, "Twice");
  function.bytes(4, "a");
  function.bytes(5, "r");
  function.bytes(7, make_node("Identity", {"a"}, {"m"}));
  function.bytes(7, make_node("Identity", {"m"}, {"r"}));
  function.bytes(9, make_opset("", 13));
  function.bytes(10, "local");
  return make_model(parts, 13, 8, {function.text()});
}

// Whether the bytes still are a model.
bool survives(const std::string& bytes) {
  ReadOptions options;
  options.max_expanded_bytes = 1 << 20;
  try {
    read_text(bytes, options);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(Damage, TheModelIsWhole) { EXPECT_TRUE(survives(rich_model())); }

TEST(Damage, EveryTruncation) {
  std::string whole = rich_model();
  int survived = 0;
  for (size_t length = 0; length < whole.size(); ++length) survived += survives(whole.substr(0, length));
  // Only where the cut falls between two fields that a model can lack.
  EXPECT_LT(survived, 5);
}

TEST(Damage, RandomBitFlips) {
  std::string whole = rich_model();
  std::mt19937 random(1);
  int survived = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bytes = whole;
    for (uint32_t flips = 1 + random() % 4; flips > 0; --flips) bytes[random() % bytes.size()] ^= static_cast<char>(1u << (random() % 8));
    survived += survives(bytes);
  }
  EXPECT_GT(survived, 0);      // a flip in a weight or a name of a document harms nothing
  EXPECT_LT(survived, 2000);
}

TEST(Damage, RandomSplices) {
  std::string whole = rich_model();
  std::mt19937 random(2);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bytes = whole;
    size_t from = random() % bytes.size(), length = random() % 40, to = random() % bytes.size();
    bytes.insert(to, whole.substr(from, length));
    if (random() % 2) bytes.erase(random() % bytes.size(), random() % 20);
    survives(bytes);
  }
}

}  // namespace
}  // namespace octet::onnx
