// Every model at hand: read, write, read gives the same graph, and writing again the same bytes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "onnx/testing.h"
#include "onnx/writer.h"

namespace octet::onnx {
namespace {

namespace fs = std::filesystem;

fs::path shared_models() {
  if (const char* folder = std::getenv("OCTET_SHARED")) return fs::path(folder) / "models";
  return fs::path(OCTET_SOURCE_DIR).parent_path() / "shared" / "models";
}

void round_trip(const fs::path& path) {
  SCOPED_TRACE(path.string());
  Model first = read_model(path.string());
  std::string bytes = model_bytes(first);
  Model second = read_text(bytes);
  EXPECT_EQ(model_difference(first, second, false), "");
  std::string again = model_bytes(second);
  EXPECT_TRUE(bytes == again) << "writing what was read back gives other bytes";
  EXPECT_EQ(model_difference(second, read_text(again)), "");
}

TEST(RoundTrip, RealModels) {
  if (!fs::is_directory(shared_models())) GTEST_SKIP() << "no models at " << shared_models() << "; set OCTET_SHARED";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(shared_models())) {
    if (entry.path().extension() != ".onnx") continue;
    ++count;
    try {
      round_trip(entry.path());
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_GT(count, 0);
}

// Models that need what Octet refuses are the conformance test's business.
TEST(RoundTrip, TestCases) {
  int count = 0;
  fs::path onnx_data = "/usr/share/libonnx-testdata/data", own = fs::path(OCTET_SOURCE_DIR) / "tests" / "operators";
  for (const fs::path& folder : {onnx_data, own}) {
    if (!fs::is_directory(folder)) continue;
    for (auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink);
         entry != fs::recursive_directory_iterator(); ++entry) {
      if (entry->path().filename() != "model.onnx") continue;
      try {
        round_trip(entry->path());
        ++count;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnsupported) ADD_FAILURE() << error.what();
      }
    }
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace octet::onnx
