#include "api/toolkit/journal.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "base/error.h"

namespace octet {

namespace {

std::string numbers(std::initializer_list<double> values) {
  std::string line;
  for (double value : values) {
    char digits[40];
    std::snprintf(digits, sizeof digits, " %.17g", value);
    line += digits;
  }
  return line;
}

std::vector<double> parse(const std::string& line) {
  std::vector<double> values;
  const char* at = line.c_str();
  for (char* end = nullptr;; at = end) {
    double value = std::strtod(at, &end);
    if (end == at) return values;
    values.push_back(value);
  }
}

}  // namespace

Journal::Journal(std::string path, const std::string& request) : path_(std::move(path)) {
  const std::string header = "octet search " + request;
  std::ifstream in(path_);
  std::string line;
  bool ours = static_cast<bool>(std::getline(in, line)) && line == header;
  while (ours && std::getline(in, line))
    if (size_t tab = line.find('\t'); tab != std::string::npos) lines_[line.substr(0, tab)] = line.substr(tab + 1);
  in.close();
  if (ours) return;
  lines_.clear();
  std::ofstream out(path_, std::ios::trunc);
  out << header << "\n";
  require(static_cast<bool>(out.flush()), ErrorCode::kInputOutput, "cannot write ", path_);
}

bool Journal::find(Trial& trial) const {
  auto it = lines_.find("trial " + trial.key);
  if (it == lines_.end()) return false;
  std::vector<double> values = parse(it->second);
  if (values.size() != 7) return false;
  trial.drop = values[0], trial.low = values[1], trial.high = values[2], trial.p_value = values[3];
  trial.score = values[4], trial.agreement = values[5], trial.model_ms = values[6];
  return true;
}

bool Journal::find(SensitivityRow& row) const {
  auto it = lines_.find("layer " + row.layer);
  if (it == lines_.end()) return false;
  std::vector<double> values = parse(it->second);
  if (values.size() != 2) return false;
  row.noise = values[0], row.sqnr_db = values[1];
  return true;
}

void Journal::add(const Trial& t) { append("trial " + t.key, numbers({t.drop, t.low, t.high, t.p_value, t.score, t.agreement, t.model_ms})); }
void Journal::add(const SensitivityRow& row) { append("layer " + row.layer, numbers({row.noise, row.sqnr_db})); }

void Journal::append(const std::string& key, const std::string& values) {
  lines_[key] = values;
  std::ofstream out(path_, std::ios::app);
  out << key << '\t' << values << '\n';
  require(static_cast<bool>(out.flush()), ErrorCode::kInputOutput, "cannot write ", path_);
}

void Journal::remove() { std::remove(path_.c_str()); }

}  // namespace octet
