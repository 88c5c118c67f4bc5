// "Did you mean ...?": the known word that a mistyped one resembles most.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace octet {

// The word with the fewest insertions, deletions, replacements and swaps of neighbours, when these are at most a third
// of its letters (at least one); empty when none is that close. The first of equals wins.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

// "a, b, c"
std::string join_words(std::span<const std::string_view> words);

// The cure of an unknown word: "did you mean 'x'?", or "known are a, b, c".
std::string suggest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace octet
