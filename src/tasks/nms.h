// Greedy non-maximum suppression.
//
// Candidates are visited from the best score down (equal scores: the lower index first, so that the result depends on
// nothing but the input); each one kept removes those after it that overlap it by more than `iou`. Different classes do not
// suppress each other unless `class_agnostic` is set. O(n·k) for n candidates and k kept.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tasks/predictions.h"

namespace octet {

struct NmsOptions {
  double iou = 0.5;              // suppress above this intersection over union; 1 and more suppresses nothing
  bool class_agnostic = false;
  int max_detections = 300;      // keep at most so many, over all classes
  int max_candidates = 30000;    // look at the best so many only; bounds the time on noise
};

// Intersection over union of two boxes in continuous coordinates; 0 where the union is empty.
double box_iou(const Detection& a, const Detection& b);

// The kept candidates, the best first. Candidates whose score is NaN are dropped.
std::vector<Detection> non_maximum_suppression(std::vector<Detection> candidates, const NmsOptions& options);

// Sorts by score, best first, equal scores in their present order, and keeps the first `limit`; drops NaN scores.
void keep_best(std::vector<Detection>& detections, int limit);

}  // namespace octet
