#include "base/nearest.h"

#include <gtest/gtest.h>

namespace octet {
namespace {

constexpr std::string_view kWords[] = {"resize", "interpolation", "mean", "std"};

TEST(NearestWord, FindsMistypedWords) {
  EXPECT_EQ(nearest_word("resise", kWords), "resize");
  EXPECT_EQ(nearest_word("reszie", kWords), "resize");
  EXPECT_EQ(nearest_word("interpolaton", kWords), "interpolation");
  EXPECT_EQ(nearest_word("men", kWords), "mean");
  EXPECT_EQ(nearest_word("letterbox", kWords), "");
  EXPECT_EQ(nearest_word("", kWords), "");
  EXPECT_EQ(nearest_word("x", {}), "");
}

TEST(NearestWord, SuggestsOrLists) {
  EXPECT_EQ(suggest_word("stdd", kWords), "did you mean 'std'?");
  EXPECT_EQ(suggest_word("letterbox", kWords), "known are resize, interpolation, mean, std");
}

}  // namespace
}  // namespace octet
