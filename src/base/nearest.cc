#include "base/nearest.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace octet {

namespace {

// Optimal string alignment: edit distance with swaps of neighbours, three rows at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  size_t best_distance = SIZE_MAX;
  if (word.size() > 200) return best;
  for (std::string_view candidate : known) {
    size_t distance = edit_distance(word, candidate);
    if (distance <= std::max<size_t>(1, candidate.size() / 3) && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string join_words(std::span<const std::string_view> words) {
  std::string out;
  for (std::string_view word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

std::string suggest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best = nearest_word(word, known);
  if (!best.empty()) return text("did you mean '", best, "'?");
  return known.empty() ? std::string() : text("known are ", join_words(known));
}

}  // namespace octet
