#include "frames/toml_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/nearest.h"

namespace octet {

toml::table parse_toml(std::string_view toml, std::string_view file) {
  constexpr size_t kLargestText = size_t{1} << 20, kMostDots = 4000;
  require(toml.size() <= kLargestText, ErrorCode::kResourceLimit, file, ": a recipe of more than 1 MB");
  // Each dot of a dotted key is a level of tables, which toml++ walks recursively.
  size_t dots = 0;
  for (char c : toml) {
    dots = c == '\n' ? 0 : dots + (c == '.');
    require(dots <= kMostDots, ErrorCode::kResourceLimit, file, ": a line with more than 4000 dots");
  }
  try {
    return toml::parse(toml, file);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kInvalidArgument, text("line ", error.source().begin.line, ": ", error.description()),
                "the file is not valid TOML")
        .with_file(file);
  }
}

const toml::node* TomlReader::take(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

void TomlReader::fail_at(std::string_view key, const std::string& message, const std::string& hint) const {
  const toml::node* node = key.empty() ? nullptr : table_.get(key);
  auto line = (node ? node->source() : table_.source()).begin.line;
  std::string name = where_;
  if (!key.empty()) name += (name.empty() ? "" : ".") + std::string(key);
  throw Error(ErrorCode::kInvalidArgument, text(line ? text("line ", line, ": ") : "", name, ": ", message), hint)
      .with_file(file_);
}

double TomlReader::number_of(const toml::node& node, std::string_view key) const {
  double result = NAN;
  if (auto integer = node.value_exact<int64_t>()) {
    result = static_cast<double>(*integer);
  } else if (auto number = node.value_exact<double>()) {
    result = *number;
  } else if (auto fraction = node.value_exact<std::string>()) {
    // "1/255": a fraction, so that a recipe can say what it means.
    double parts[2] = {0, 0};
    const char* at = fraction->data();
    const char* end = at + fraction->size();
    auto first = std::from_chars(at, end, parts[0]);
    if (first.ec == std::errc() && first.ptr != end && *first.ptr == '/') {
      auto second = std::from_chars(first.ptr + 1, end, parts[1]);
      if (second.ec == std::errc() && second.ptr == end && parts[1] != 0) result = parts[0] / parts[1];
    }
  }
  if (!std::isfinite(result)) fail_at(key, "a finite number is wanted", "write it as 0.5 or, as a fraction, \"1/255\"");
  return result;
}

std::optional<double> TomlReader::number(std::string_view key) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  return number_of(*node, key);
}

std::optional<int64_t> TomlReader::integer(std::string_view key, int64_t low, int64_t high) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  auto value = node->value_exact<int64_t>();
  if (!value || *value < low || *value > high) fail_at(key, text("an integer from ", low, " to ", high, " is wanted"));
  return *value;
}

std::optional<bool> TomlReader::flag(std::string_view key) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  auto value = node->value_exact<bool>();
  if (!value) fail_at(key, "true or false is wanted");
  return *value;
}

std::optional<std::string> TomlReader::word(std::string_view key) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  auto value = node->value_exact<std::string>();
  if (!value) fail_at(key, "a text in quotes is wanted");
  return *value;
}

std::optional<size_t> TomlReader::choice(std::string_view key, std::span<const std::string_view> words) {
  auto value = word(key);
  if (!value) return std::nullopt;
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i] == *value) return i;
  fail_at(key, text("'", *value, "' is not one of ", join_words(words)), suggest_word(*value, words));
}

std::optional<std::vector<double>> TomlReader::numbers(std::string_view key) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  std::vector<double> values;
  if (auto array = node->as_array())
    for (const toml::node& element : *array) values.push_back(number_of(element, key));
  else
    values.push_back(number_of(*node, key));
  return values;
}

std::optional<std::vector<std::string>> TomlReader::words(std::string_view key) {
  const toml::node* node = take(key);
  if (!node) return std::nullopt;
  auto array = node->as_array();
  if (!array) fail_at(key, "an array of texts is wanted", "for instance [\"cat\", \"dog\"]");
  std::vector<std::string> values;
  for (const toml::node& element : *array) {
    auto value = element.value_exact<std::string>();
    if (!value) fail_at(key, "an array of texts is wanted", "for instance [\"cat\", \"dog\"]");
    values.push_back(*value);
  }
  return values;
}

const toml::table* TomlReader::table(std::string_view key) {
  const toml::node* node = take(key);
  if (!node) return nullptr;
  if (!node->is_table())
    fail_at(key, "a table is wanted", text("write [", where_.empty() ? "" : where_ + ".", key, "]"));
  return node->as_table();
}

void TomlReader::leave(std::span<const std::string_view> keys) {
  for (std::string_view key : keys) known_.emplace_back(key);
}

void TomlReader::finish() const {
  for (auto&& [key, node] : table_) {
    std::string_view name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::vector<std::string_view> known(known_.begin(), known_.end());
    fail_at(name, where_.empty() ? "there is no such table or key" : "there is no such key", suggest_word(name, known));
  }
}

std::string toml_string(std::string_view value) {
  std::string out = "\"";
  for (char c : value) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      constexpr char kDigits[] = "0123456789ABCDEF";
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_number(double value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string out(buffer, end);
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;   // stays a float when read back
}

std::string toml_key(std::string_view key) {
  bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : toml_string(key);
}

}  // namespace octet
