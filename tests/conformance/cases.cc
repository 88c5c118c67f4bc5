#include "conformance/cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace octet::conformance {

namespace fs = std::filesystem;

namespace {

// input_0.pb, input_1.pb, ... in order; gaps stay empty.
std::vector<std::string> numbered(const fs::path& folder, std::string_view stem) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with(stem) || !name.ends_with(".pb")) continue;
    size_t index = std::stoul(name.substr(stem.size()));
    if (files.size() <= index) files.resize(index + 1);
    files[index] = entry.path().string();
  }
  return files;
}

bool matches(std::string_view pattern, std::string_view name) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  for (size_t begin = star; begin <= name.size(); ++begin)
    if (matches(pattern.substr(star + 1), name.substr(begin))) return true;
  return false;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::vector<Case> find_cases(const std::string& set, const std::string& folder) {
  std::vector<Case> cases;
  if (!fs::is_directory(folder)) return cases;
  for (const auto& entry : fs::directory_iterator(folder)) {
    fs::path model = entry.path() / "model.onnx";
    if (!fs::exists(model)) continue;
    Case one{.name = entry.path().filename().string(), .set = set, .model = model.string()};
    std::vector<fs::path> sets;
    for (const auto& data : fs::directory_iterator(entry.path()))
      if (data.path().filename().string().starts_with("test_data_set_")) sets.push_back(data.path());
    std::sort(sets.begin(), sets.end());
    for (const fs::path& data : sets) one.data.push_back({numbered(data, "input_"), numbered(data, "output_")});
    cases.push_back(std::move(one));
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

Exclusions::Exclusions(const std::string& path) {
  std::ifstream file(path);
  require(file.good(), ErrorCode::kNotFound, "the list of exclusions ", path, " cannot be read");
  for (std::string line; std::getline(file, line);) {
    std::string text = trimmed(line);
    if (text.empty() || text[0] == '#') continue;
    size_t colon = text.find(':');
    require(colon != std::string::npos && colon + 1 < text.size(), ErrorCode::kInvalidArgument, path, ": no reason in '", text, "'");
    entries_.push_back({trimmed(text.substr(0, colon)), trimmed(text.substr(colon + 1))});
  }
}

const std::string* Exclusions::find(std::string_view name) const {
  const std::string* reason = nullptr;
  for (const Entry& entry : entries_)
    if (matches(entry.pattern, name)) {
      entry.used = true;
      reason = &entry.reason;
    }
  return reason;
}

std::vector<std::string> Exclusions::unused() const {
  std::vector<std::string> patterns;
  for (const Entry& entry : entries_)
    if (!entry.used) patterns.push_back(entry.pattern);
  return patterns;
}

}  // namespace octet::conformance
