#include "tasks/nms.h"

#include <algorithm>
#include <cmath>

namespace octet {

double box_iou(const Detection& a, const Detection& b) {
  double width = static_cast<double>(std::min(a.x2, b.x2)) - std::max(a.x1, b.x1);
  double height = static_cast<double>(std::min(a.y2, b.y2)) - std::max(a.y1, b.y1);
  if (!(width > 0) || !(height > 0)) return 0;
  double intersection = width * height, total = a.area() + b.area() - intersection;
  return total > 0 ? intersection / total : 0;
}

void keep_best(std::vector<Detection>& detections, int limit) {
  std::erase_if(detections, [](const Detection& d) { return std::isnan(d.score); });
  std::stable_sort(detections.begin(), detections.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  if (limit >= 0 && detections.size() > static_cast<size_t>(limit)) detections.resize(static_cast<size_t>(limit));
}

std::vector<Detection> non_maximum_suppression(std::vector<Detection> candidates, const NmsOptions& options) {
  keep_best(candidates, options.max_candidates);
  std::vector<Detection> kept;
  for (Detection& candidate : candidates) {
    if (static_cast<int64_t>(kept.size()) >= options.max_detections) break;
    bool suppressed = false;
    for (const Detection& winner : kept) {
      if (!options.class_agnostic && winner.class_index != candidate.class_index) continue;
      if (box_iou(winner, candidate) > options.iou) {
        suppressed = true;
        break;
      }
    }
    if (!suppressed) kept.push_back(std::move(candidate));
  }
  return kept;
}

}  // namespace octet
