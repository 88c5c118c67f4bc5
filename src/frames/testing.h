// Helpers of this room's tests: a fresh folder, small pictures, messages of errors, the shared data sets.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "octet/error.h"

namespace octet::testing_frames {

// Empty at first; removed at the end.
class Folder {
 public:
  Folder() {
    auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(::testing::TempDir()) /
            (std::string("octet_") + info->test_suite_name() + "_" + info->name());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  // Makes the folders on the way.
  std::string text(const std::string& name, const std::string& contents) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path(name), std::ios::binary) << contents;
    return path(name);
  }
  // A picture of one colour.
  std::string picture(const std::string& name, int width = 8, int height = 6, int value = 10) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    cv::imwrite(path(name), cv::Mat(height, width, CV_8UC3, cv::Scalar(value, value + 1, value + 2)));
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

inline std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

// The folder of the shared data sets, empty where they are absent.
inline std::string shared_data() {
  const char* set = std::getenv("OCTET_SHARED");
  std::filesystem::path root =
      set ? std::filesystem::path(set) : std::filesystem::path(OCTET_SOURCE_DIR) / ".." / "shared";
  std::error_code ignored;
  return std::filesystem::is_directory(root / "data", ignored) ? (root / "data").string() : "";
}

}  // namespace octet::testing_frames
