#include "api/toolkit/run_output.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

constexpr size_t kDigits = 6;   // of a frame's number, so that files sort in the order of the frames
constexpr const char* kPossible = "possible are a folder (a name without extension, or with / at its end), .png, .jpg, .bmp, .webp, .npz and .npy";

std::string lower_extension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && !fs::is_directory(folder, error)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw Error(ErrorCode::kInputOutput, "cannot make this folder: " + error.message()).with_file(folder.string());
}

std::string without_extension(const std::string& file) { return fs::path(file).replace_extension().generic_string(); }

}  // namespace

std::string answer_name(const std::string& id, bool keep_extension) {
  std::string file = id, number;
  size_t hash = id.rfind('#');
  if (hash != std::string::npos && hash + 1 < id.size() && id.find_first_not_of("0123456789", hash + 1) == std::string::npos) {
    file = id.substr(0, hash);
    number = id.substr(hash + 1);
    number = "_" + std::string(kDigits - std::min(kDigits, number.size()), '0') + number;
  }
  // Cameras: /dev/video0, camera:1.
  if (file.starts_with("/")) file = fs::path(file).filename().string();
  if (!number.empty() && file.starts_with("camera:")) file[6] = '_';
  return (keep_extension ? file : without_extension(file)) + number;
}

bool needs_extensions(std::span<const std::string> file_ids) {
  std::set<std::string> seen;
  return !std::all_of(file_ids.begin(), file_ids.end(), [&](const std::string& id) { return seen.insert(answer_name(id, false)).second; });
}

RunOutput::RunOutput(const std::string& path) : path_(path) {
  if (path.empty()) return;
  std::error_code ignored;
  std::string extension = lower_extension(path);
  auto is_one_of = [&](std::initializer_list<std::string_view> known) { return std::find(known.begin(), known.end(), extension) != known.end(); };
  if (path.ends_with('/') || fs::is_directory(path, ignored)) kind_ = Kind::kFolder;
  else if (is_one_of({".png", ".jpg", ".jpeg", ".bmp", ".webp"})) kind_ = Kind::kPicture;
  else if (is_one_of({".npz", ".npy"})) kind_ = Kind::kArrays;
  else if (path == "-") throw Error(ErrorCode::kInvalidArgument, "pictures and arrays are not written to standard output", kPossible);
  else if (!extension.empty()) throw Error(ErrorCode::kInvalidArgument, text("nothing is written in the format '", extension, "'"), kPossible).with_file(path);
  else kind_ = Kind::kFolder;
}

void RunOutput::prepare(std::span<const std::string> file_ids) {
  if (kind_ != Kind::kFolder) return;
  make_folder(path_);
  keep_extensions_ = needs_extensions(file_ids);
}

std::string RunOutput::file_for(const std::string& id, const char* suffix) const {
  if (kind_ != Kind::kFolder) return path_;
  std::string name = answer_name(id, keep_extensions_);
  fs::path file = fs::path(path_) / (name + suffix);
  if (name.find('/') != std::string::npos) make_folder(file.parent_path());
  return file.string();
}

}  // namespace octet
