// COCO's evaluation: matching per picture and category, average precision over all of them, step by step as pycocotools'
// cocoeval.py does it (github.com/cocodataset/cocoapi), for any similarity (IoU of boxes, OKS of key points).
//
// For one picture, category, size range and threshold t: detections, the best first, each take the free ground truth they are
// most similar to, if by t or more; a truth outside the size range, or a crowd, is "ignored", and so is what matches it or
// what matches nothing and lies outside the range itself: neither right nor wrong. A crowd can be matched many times.
// Over all pictures: precision at recalls 0, 0.01 … 1, made monotone, averaged (101-point interpolation).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace octet {

struct AreaRange {
  const char* name;   // "", "small", "medium", "large"
  double low, high;   // square pixels, both ends included
};

std::span<const AreaRange> coco_area_ranges();     // all, small (up to 32²), medium, large (from 96²)
std::vector<double> coco_iou_thresholds();         // 0.50, 0.55 … 0.95

class CocoAccumulator {
 public:
  struct Truth { double area; bool ignored, crowd; };
  struct Scored { float score; double area; };

  CocoAccumulator(std::vector<double> thresholds, std::vector<AreaRange> ranges, int max_detections);

  // The objects of one category in one picture; similarity[d * truths.size() + t]. Detections may come in any order; `frame`
  // is what weights refer to.
  void add(int category, uint32_t frame, std::span<const Scored> detections, std::span<const Truth> truths,
           std::span<const double> similarity);

  static constexpr int kAllThresholds = -1;
  // Mean over the categories that have a truth to find; NaN without any. Frame i counts weights[i] times; empty: once each.
  double precision(size_t range, int threshold = kAllThresholds, std::span<const uint32_t> weights = {}) const;
  double recall(size_t range) const;   // the largest recall reached, averaged over thresholds and categories
  // The same for one category.
  double category_precision(int category, size_t range, int threshold = kAllThresholds) const;

  const std::vector<double>& thresholds() const { return thresholds_; }
  const std::vector<AreaRange>& ranges() const { return ranges_; }
  std::vector<int> categories() const;
  int64_t cost() const;   // of one call of precision over all thresholds, in detections looked at

 private:
  // Bit k of the masks belongs to threshold k.
  struct Entry { float score; uint32_t frame; uint16_t right, ignored; };
  struct Positives { uint32_t frame, count; };
  struct Cell { std::vector<Entry> entries; std::vector<Positives> positives; bool sorted = true; };
  struct Sums { double precision = 0, recall = 0; };

  void match(Cell& cell, size_t range, uint32_t frame, std::span<const size_t> order, std::span<const Scored> detections,
             std::span<const Truth> truths, std::span<const double> similarity);
  bool evaluate(const Cell& cell, int threshold, std::span<const uint32_t> weights, Sums& sums) const;
  bool evaluate_all(const Cell& cell, int threshold, std::span<const uint32_t> weights, Sums& mean) const;
  static void sort(Cell& cell);

  std::vector<double> thresholds_;
  std::vector<AreaRange> ranges_;
  int max_detections_;
  mutable std::map<int, std::vector<Cell>> cells_;   // by category, then by range; sorted when first evaluated
};

}  // namespace octet
