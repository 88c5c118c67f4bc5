// COCO's categories and persons: the one table.
//
// COCO numbers its 80 categories 1 to 90 with gaps; models number them 0 to 79.
#pragma once

#include <span>

namespace octet {

inline constexpr int kCocoClasses = 80;
inline constexpr int kCocoPoints = 17;

std::span<const char* const> coco_class_names();    // by dense index: "person" … "toothbrush"
int coco_category_id(int class_index);              // 0..79 → 1..90; -1 outside
int coco_class_index(int category_id);              // 1..90 → 0..79; -1 for the gaps and outside

std::span<const char* const> coco_point_names();    // "nose" … "right_ankle"
struct PointPair { int from, to; };
std::span<const PointPair> coco_skeleton();         // the lines of a drawn person, as 0-based point indexes
std::span<const double> coco_point_sigmas();        // how far annotators differ per point, relative to the person's size

}  // namespace octet
