#include "report/table.h"

#include <algorithm>

namespace octet {

namespace {

// Characters, not bytes: continuation bytes of UTF-8 take no place.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Names of layers tell most at their beginning and end.
std::string shortened(const std::string& text, size_t widest) {
  if (widest == 0 || text.size() <= widest || width_of(text) <= widest) return text;
  size_t head = (widest - 2) / 2, tail = widest - 2 - head;
  size_t from = text.size() - tail;
  while (head > 0 && (static_cast<unsigned char>(text[head]) & 0xC0) == 0x80) --head;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return text.substr(0, head) + ".." + text.substr(from);
}

}  // namespace

std::string Table::to_string() const {
  std::vector<std::vector<std::string>> cells;
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  cells.push_back(titles);
  std::vector<bool> used(columns_.size(), false);
  for (const auto& row : rows_) {
    auto& line = cells.emplace_back(columns_.size());
    for (size_t i = 0; i < columns_.size() && i < row.size(); ++i) {
      line[i] = shortened(row[i], columns_[i].widest);
      used[i] = used[i] || !row[i].empty();
    }
  }
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : cells)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (!used[i]) continue;
      if (!line.empty()) line += "  ";
      std::string pad(widths[i] - width_of(row[i]), ' ');
      line += columns_[i].align == Align::kLeft ? row[i] + pad : pad + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace octet
