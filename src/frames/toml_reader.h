// Checked reading of a TOML table: every key is taken once, with its type; `finish` refuses those that nobody took and
// suggests the nearest known one. For the .cc files that parse recipes (toml++ is slow to compile).
#pragma once

// toml++ asserts conditions that damaged text violates although the code behind them reports the error properly; with
// NDEBUG and clang it even assumes them. Both are switched off here, so include toml++ only through this file.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "octet/error.h"

namespace octet {

// Throws Error with the line where the text is not TOML.
toml::table parse_toml(std::string_view toml, std::string_view file);

class TomlReader {
 public:
  // `where` is the table's dotted name, empty at the top level.
  TomlReader(const toml::table& table, std::string where, std::string file)
      : table_(table), where_(std::move(where)), file_(std::move(file)) {}

  const toml::node* take(std::string_view key);   // null when absent
  std::optional<double> number(std::string_view key);              // also "1/255"
  std::optional<int64_t> integer(std::string_view key, int64_t low, int64_t high);
  std::optional<bool> flag(std::string_view key);
  std::optional<std::string> word(std::string_view key);
  std::optional<size_t> choice(std::string_view key, std::span<const std::string_view> words);
  std::optional<std::vector<double>> numbers(std::string_view key);  // also one number
  std::optional<std::vector<std::string>> words(std::string_view key);
  const toml::table* table(std::string_view key);
  // Accepts these keys without looking at them: another reader does.
  void leave(std::span<const std::string_view> keys);
  void finish() const;

  const std::string& where() const { return where_; }
  const std::string& file() const { return file_; }
  // An error about `key` (or the whole table when empty) with its line.
  [[noreturn]] void fail_at(std::string_view key, const std::string& message, const std::string& hint = {}) const;

 private:
  double number_of(const toml::node& node, std::string_view key) const;

  const toml::table& table_;
  std::string where_, file_;
  std::vector<std::string> known_;
};

// Writing: a quoted string, the shortest number that reads back equal, a bare or quoted key.
std::string toml_string(std::string_view value);
std::string toml_number(double value);
std::string toml_key(std::string_view key);

}  // namespace octet
