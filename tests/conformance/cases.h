// Finds test cases on disk: <set>/<case>/model.onnx with test_data_set_*/input_*.pb and output_*.pb.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace octet::conformance {

struct DataSet {
  std::vector<std::string> inputs, outputs;   // files, by index; empty: no such file
};

struct Case {
  std::string name;    // "test_add"
  std::string set;     // "node"
  std::string model;
  std::vector<DataSet> data;
};

// The cases of one set, sorted by name. A folder that does not exist has none.
std::vector<Case> find_cases(const std::string& set, const std::string& folder);

// The tests that need not pass, each for a reason. A line is "pattern: reason"; * in the pattern stands for any text; # begins a
// comment.
class Exclusions {
 public:
  explicit Exclusions(const std::string& path);
  // The reason, or null.
  const std::string* find(std::string_view name) const;
  // Patterns that no test has matched yet.
  std::vector<std::string> unused() const;

 private:
  struct Entry {
    std::string pattern, reason;
    mutable bool used = false;
  };
  std::vector<Entry> entries_;
};

}  // namespace octet::conformance
