// Packs as files: what they hold, what damage does to them, what happens on other machines and with other shapes, and the cache.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/cpu.h"
#include "onnx/writer.h"
#include "plan/pack_format.h"
#include "runtime/session.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

// y = MatMul(Relu(x), weights), a free batch axis; weights of 64 · 48 floats.
Model product_model(float first = 0.5f) {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 17;
  model.metadata.emplace_back("octet.task", "score");
  Value* x = graph.add_input("x", DType::kFloat32, Shape{Shape::kUnknown, 64});
  x->symbols = {"batch", ""};
  Tensor weights(DType::kFloat32, Shape{64, 48});
  for (int64_t i = 0; i < weights.elements(); ++i) weights.data<float>()[i] = first + static_cast<float>(i % 37) / 16;
  Value* relu = graph.add_node("", "Relu", {x}, "relu")->outputs[0];
  graph.add_output(graph.add_node("", "MatMul", {relu, graph.add_constant("weights", weights)}, "y")->outputs[0]);
  return model;
}

Tensor input(int64_t batch) {
  Tensor x(DType::kFloat32, Shape{batch, 64});
  for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = static_cast<float>(i % 11) - 4;
  return x;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string run_bytes(Session& session, int64_t batch) {
  Tensor x = input(batch);
  const Tensor& y = session.run({&x, 1})[0];
  return {static_cast<const char*>(y.raw()), y.bytes()};
}

class PackTest : public testing::Test {
 protected:
  PackTest() : folder_(fs::path(testing::TempDir()) / ("octet_pack_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    model_ = (folder_ / "model.onnx").string();
    pack_ = (folder_ / "model.octet").string();
    write_model(product_model(), model_);
    Session session = Session::open(model_, {.threads = 1});
    one_ = run_bytes(session, 1);
    three_ = run_bytes(session, 3);
  }
  ~PackTest() override { fs::remove_all(folder_); }

  std::string opening_fails(const std::string& path, bool verify = true) {
    try {
      Session session = Session::open(path, {.threads = 2, .verify_weights = verify});
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  fs::path folder_;
  std::string model_, pack_, one_, three_;
};

TEST_F(PackTest, RunsWithoutTheModel) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{3, 64}}}}});
  fs::remove(model_);
  Session session = Session::open(pack_, {.threads = 2});
  EXPECT_EQ(session.inputs()[0].shape, (Shape{3, 64}));
  EXPECT_EQ(session.metadata("octet.task"), "score");
  EXPECT_TRUE(session.notes().empty());
  EXPECT_EQ(run_bytes(session, 3), three_);
}

TEST_F(PackTest, HoldsSeveralShapesAndTheirWeightsOnce) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{1, 64}}}}});
  auto one = fs::file_size(pack_);
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{1, 64}}}, {{"x", Shape{3, 64}}}}});
  EXPECT_LT(fs::file_size(pack_), one + 2048);
  fs::remove(model_);
  Session session = Session::open(pack_, {.threads = 1});
  EXPECT_EQ(session.inputs()[0].shape, (Shape{Shape::kUnknown, 64}));
  EXPECT_EQ(run_bytes(session, 1), one_);
  EXPECT_EQ(run_bytes(session, 3), three_);
  EXPECT_THROW(run_bytes(session, 2), Error);
}

TEST_F(PackTest, OtherShapesComeFromTheModel) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{1, 64}}}, {{"x", Shape{2, 64}}}}});
  Session session = Session::open(pack_, {.threads = 1});
  EXPECT_EQ(run_bytes(session, 3), three_);
  ASSERT_EQ(session.notes().size(), 1u);
  EXPECT_NE(session.notes()[0].find("compiled again from"), std::string::npos);
}

TEST_F(PackTest, AnotherLevelComesFromTheModelOrIsRefused) {
  if (active_isa() == Isa::kReference) GTEST_SKIP() << "this run has one level only";
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{3, 64}}}}});
  Session session = Session::open(pack_, {.threads = 1, .isa = "reference"});
  ASSERT_EQ(session.notes().size(), 1u);
  EXPECT_NE(session.notes()[0].find("it was packed for the level"), std::string::npos);
  EXPECT_EQ(run_bytes(session, 3), three_);
  fs::remove(model_);
  EXPECT_THROW(Session::open(pack_, {.threads = 1, .isa = "reference"}), Error);
}

TEST_F(PackTest, AChangedModelIsNoticed) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{3, 64}}}}});
  std::string same = bytes_of(model_);
  write_bytes(model_, same);   // written anew, but the same
  EXPECT_TRUE(Session::open(pack_, {.threads = 1}).notes().empty());
  write_model(product_model(0.75f), model_);
  Session session = Session::open(pack_, {.threads = 1});
  ASSERT_EQ(session.notes().size(), 1u);
  EXPECT_NE(session.notes()[0].find("has changed"), std::string::npos);
  EXPECT_EQ(run_bytes(session, 3), three_);   // the pack is what it was
}

TEST_F(PackTest, EveryTruncationAndEveryFlippedByteIsRefused) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{1, 64}}}}});
  const std::string good = bytes_of(pack_);
  for (size_t length : {size_t{0}, size_t{7}, size_t{63}, size_t{64}, size_t{200}, good.size() / 2, good.size() - 1}) {
    write_bytes(pack_, good.substr(0, length));
    EXPECT_NE(opening_fails(pack_), "") << length << " bytes of " << good.size();
  }
  write_bytes(pack_, good + "x");
  EXPECT_NE(opening_fails(pack_), "");
  // Padding between blocks belongs to nobody; everything else counts.
  size_t unnoticed = 0;
  for (size_t at = 0; at < good.size(); at += at < 1500 ? 1 : 29) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    write_bytes(pack_, bad);
    if (opening_fails(pack_).empty()) {
      ++unnoticed;
      EXPECT_EQ(good[at], '\0') << "byte " << at;
    }
  }
  EXPECT_LT(unnoticed, 64u);
}

TEST_F(PackTest, OtherVersionsAreRefusedByName) {
  pack_model(model_, pack_, {});
  std::string bytes = bytes_of(pack_);
  bytes[8] = 9;
  write_bytes(pack_, bytes);
  EXPECT_NE(opening_fails(pack_).find("format version 9"), std::string::npos);
}

TEST_F(PackTest, WeightsMayBeTrusted) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{1, 64}}}}});
  std::string bytes = bytes_of(pack_);
  bytes[bytes.size() - 4096] = static_cast<char>(bytes[bytes.size() - 4096] ^ 1);
  write_bytes(pack_, bytes);
  EXPECT_NE(opening_fails(pack_).find("checksum of a block"), std::string::npos);
  EXPECT_EQ(opening_fails(pack_, false), "");
}

size_t entries_of(const fs::path& folder) { return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator())); }

TEST_F(PackTest, TheCacheKeepsWhatWasCompiled) {
  SessionOptions options{.threads = 1, .cache_directory = (folder_ / "cache").string()};
  for (int round = 0; round < 3; ++round) {
    Session session = Session::open(model_, options);
    EXPECT_EQ(run_bytes(session, 1), one_);
    EXPECT_EQ(session.implementation().model_read, round == 0);
    EXPECT_EQ(entries_of(options.cache_directory), 1u);
  }
  for (int round = 0; round < 2; ++round) {   // another shape has an entry of its own
    Session session = Session::open(model_, options);
    EXPECT_EQ(run_bytes(session, 3), three_);
    EXPECT_EQ(entries_of(options.cache_directory), 2u);
    EXPECT_EQ(session.implementation().model_read, round == 0);
    EXPECT_TRUE(session.notes().empty());
  }
}

TEST_F(PackTest, TheCacheTrustsNothingDamagedOrOld) {
  SessionOptions options{.threads = 1, .cache_directory = (folder_ / "cache").string()};
  { Session session = Session::open(model_, options); run_bytes(session, 1); }
  fs::path entry = fs::directory_iterator(options.cache_directory)->path();
  const std::string good = bytes_of(entry);
  for (size_t at : {size_t{20}, size_t{100}, good.size() - 4096}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    write_bytes(entry, bad);
    Session session = Session::open(model_, options);
    EXPECT_EQ(run_bytes(session, 1), one_) << "byte " << at;
    EXPECT_EQ(bytes_of(entry), good) << "byte " << at;   // mended
  }
  write_model(product_model(0.75f), model_);
  Session fresh = Session::open(model_), cached = Session::open(model_, options);
  std::string want = run_bytes(fresh, 1);
  EXPECT_NE(want, one_);
  EXPECT_EQ(run_bytes(cached, 1), want);
}

TEST_F(PackTest, ACacheThatCannotBeWrittenIsSaidNotFatal) {
  Session session = Session::open(model_, {.threads = 1, .cache_directory = (folder_ / "no" / "such" / "place").string()});
  EXPECT_EQ(run_bytes(session, 1), one_);
  EXPECT_EQ(session.notes().size(), 1u);
}

TEST_F(PackTest, WeightsAreNotCopied) {
  pack_model(model_, pack_, {.shapes = {{{"x", Shape{1, 64}}}}});
  Session session = Session::open(pack_, {.threads = 1});
  const Plan& plan = *session.implementation().compiled.front().plan;
  auto file = session.implementation().pack;
  size_t blocks = 0;
  for (const Step& step : plan.steps)
    for (size_t index : step.stored_blocks) {
      ++blocks;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(step.packed[index].raw()) % 64, 0u);
    }
  EXPECT_EQ(blocks, 1u);
  EXPECT_EQ(file->pieces(), 1u);   // the packed weights, and not the weights themselves
}

}  // namespace
}  // namespace octet
