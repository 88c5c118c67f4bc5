#include <random>

#include <gtest/gtest.h>

#include "plan/plan.h"

namespace octet {
namespace {

TEST(Arena, ValuesAliveTogetherNeverOverlap) {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<ArenaRequest> requests;
    for (int i = 0; i < 60; ++i) {
      int first = static_cast<int>(random() % 40), last = first + static_cast<int>(random() % 8);
      requests.push_back({static_cast<int64_t>(random() % 5000), first, last});
    }
    int64_t total = place_in_arena(requests);
    for (size_t a = 0; a < requests.size(); ++a) {
      EXPECT_EQ(requests[a].offset % 64, 0);
      EXPECT_LE(requests[a].offset + requests[a].bytes + 64, total);   // the readable tail
      for (size_t b = 0; b < a; ++b) {
        bool together = requests[a].first_step <= requests[b].last_step && requests[b].first_step <= requests[a].last_step;
        if (!together) continue;
        bool apart = requests[a].offset + requests[a].bytes + 64 <= requests[b].offset || requests[b].offset + requests[b].bytes + 64 <= requests[a].offset;
        EXPECT_TRUE(apart);
      }
    }
  }
}

TEST(Arena, ReusesMemoryOfWhatIsDead) {
  std::vector<ArenaRequest> chain;
  for (int i = 0; i < 10; ++i) chain.push_back({1 << 20, i, i + 1});
  EXPECT_LE(place_in_arena(chain), 2 * ((1 << 20) + 128));
}

}  // namespace
}  // namespace octet
