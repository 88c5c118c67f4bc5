#include <algorithm>
#include <numeric>

#include "plan/plan.h"

namespace octet {

int64_t place_in_arena(std::vector<ArenaRequest>& requests) {
  constexpr int64_t kAlignment = 64, kReadableTail = 64;
  auto padded = [](int64_t bytes) { return (bytes + kReadableTail + kAlignment - 1) / kAlignment * kAlignment; };
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return requests[a].bytes > requests[b].bytes; });
  std::vector<size_t> placed;   // by offset
  int64_t total = 0;
  for (size_t index : order) {
    ArenaRequest& request = requests[index];
    int64_t size = padded(request.bytes), offset = 0;
    for (size_t other_index : placed) {
      const ArenaRequest& other = requests[other_index];
      if (other.last_step < request.first_step || request.last_step < other.first_step) continue;
      if (offset + size <= other.offset) break;
      offset = std::max(offset, other.offset + padded(other.bytes));
    }
    request.offset = offset;
    total = std::max(total, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](size_t a, size_t b) { return requests[a].offset < requests[b].offset; }),
                  index);
  }
  return total;
}

}  // namespace octet
