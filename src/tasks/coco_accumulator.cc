#include "tasks/coco_accumulator.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

namespace octet {

namespace {

constexpr AreaRange kAreaRanges[] = {
    {"", 0, 1e10}, {"small", 0, 32.0 * 32}, {"medium", 32.0 * 32, 96.0 * 96}, {"large", 96.0 * 96, 1e10}};
constexpr int kRecallPoints = 101;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

std::span<const AreaRange> coco_area_ranges() { return kAreaRanges; }

std::vector<double> coco_iou_thresholds() {
  std::vector<double> out;   // in the arithmetic of numpy.linspace(0.5, 0.95, 10)
  constexpr double step = (0.95 - 0.5) / 9;
  for (int i = 0; i < 9; ++i) out.push_back(i * step + 0.5);
  out.push_back(0.95);
  return out;
}

CocoAccumulator::CocoAccumulator(std::vector<double> thresholds, std::vector<AreaRange> ranges, int max_detections)
    : thresholds_(std::move(thresholds)), ranges_(std::move(ranges)), max_detections_(max_detections) {
  assert(!thresholds_.empty() && thresholds_.size() <= 16 && !ranges_.empty());
}

void CocoAccumulator::add(int category, uint32_t frame, std::span<const Scored> detections, std::span<const Truth> truths,
                          std::span<const double> similarity) {
  if (detections.empty() && truths.empty()) return;
  assert(similarity.size() == detections.size() * truths.size());
  auto& cells = cells_[category];
  if (cells.empty()) cells.resize(ranges_.size());
  std::vector<size_t> order(detections.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return detections[a].score > detections[b].score; });
  if (order.size() > static_cast<size_t>(max_detections_)) order.resize(static_cast<size_t>(max_detections_));
  for (size_t range = 0; range < ranges_.size(); ++range)
    match(cells[range], range, frame, order, detections, truths, similarity);
}

void CocoAccumulator::match(Cell& cell, size_t range, uint32_t frame, std::span<const size_t> order,
                            std::span<const Scored> detections, std::span<const Truth> truths,
                            std::span<const double> similarity) {
  auto outside = [&](double area) { return area < ranges_[range].low || area > ranges_[range].high; };
  std::vector<bool> ignored(truths.size());
  for (size_t t = 0; t < truths.size(); ++t) ignored[t] = truths[t].ignored || truths[t].crowd || outside(truths[t].area);
  std::vector<size_t> truth_order(truths.size());   // those to find come before the ignored
  std::iota(truth_order.begin(), truth_order.end(), size_t{0});
  std::stable_sort(truth_order.begin(), truth_order.end(), [&](size_t a, size_t b) { return ignored[a] < ignored[b]; });
  auto positives = static_cast<uint32_t>(std::count(ignored.begin(), ignored.end(), false));
  if (positives > 0) cell.positives.push_back({frame, positives});

  size_t first = cell.entries.size();
  for (size_t d : order) cell.entries.push_back({detections[d].score, frame, 0, 0});
  cell.sorted = cell.sorted && order.empty();
  std::vector<bool> taken(truths.size());
  for (size_t k = 0; k < thresholds_.size(); ++k) {
    auto bit = static_cast<uint16_t>(1u << k);
    std::fill(taken.begin(), taken.end(), false);
    for (size_t rank = 0; rank < order.size(); ++rank) {
      size_t d = order[rank], best = truths.size();
      double best_similarity = std::min(thresholds_[k], 1 - 1e-10);
      for (size_t t : truth_order) {
        if (taken[t] && !truths[t].crowd) continue;
        if (best != truths.size() && !ignored[best] && ignored[t]) break;   // a real match beats every ignored one
        double value = similarity[d * truths.size() + t];
        if (value < best_similarity) continue;
        best_similarity = value;
        best = t;
      }
      Entry& entry = cell.entries[first + rank];
      if (best == truths.size()) {
        if (outside(detections[d].area)) entry.ignored |= bit;
      } else {
        taken[best] = true;
        if (ignored[best]) entry.ignored |= bit;
        else entry.right |= bit;
      }
    }
  }
}

void CocoAccumulator::sort(Cell& cell) {
  if (cell.sorted) return;
  std::stable_sort(cell.entries.begin(), cell.entries.end(), [](const Entry& a, const Entry& b) { return a.score > b.score; });
  cell.sorted = true;
}

// False when there is nothing to find. Precision and recall only change, and recall thresholds are only met, at right
// detections, so the curve is kept at those alone.
bool CocoAccumulator::evaluate(const Cell& cell, int threshold, std::span<const uint32_t> weights, Sums& sums) const {
  auto weight = [&](uint32_t frame) -> uint32_t { return weights.empty() ? 1 : weights[frame]; };
  double positives = 0;
  for (const Positives& p : cell.positives) positives += static_cast<double>(weight(p.frame)) * p.count;
  if (positives == 0) return false;
  auto bit = static_cast<uint16_t>(1u << threshold);
  std::vector<double> curve;   // precision at the n-th right detection
  double right = 0, wrong = 0;
  for (const Entry& entry : cell.entries) {
    if (entry.ignored & bit) continue;
    uint32_t times = weight(entry.frame);
    if (!(entry.right & bit)) {
      wrong += times;
      continue;
    }
    for (uint32_t i = 0; i < times; ++i) {
      right += 1;
      curve.push_back(right / (wrong + right + kEpsilon));
    }
  }
  for (size_t i = curve.size(); i-- > 1;) curve[i - 1] = std::max(curve[i - 1], curve[i]);
  double total = 0;
  size_t at = 0;
  for (int i = 0; i < kRecallPoints; ++i) {
    double recall = i + 1 == kRecallPoints ? 1.0 : i * 0.01;   // numpy.linspace(0, 1, 101)
    while (at < curve.size() && static_cast<double>(at + 1) / positives < recall) ++at;
    if (at == curve.size()) break;
    total += curve[at];
  }
  sums.precision += total / kRecallPoints;
  sums.recall += right / positives;
  return true;
}

bool CocoAccumulator::evaluate_all(const Cell& cell, int threshold, std::span<const uint32_t> weights, Sums& mean) const {
  if (threshold != kAllThresholds) return evaluate(cell, threshold, weights, mean);
  Sums sums;
  for (size_t k = 0; k < thresholds_.size(); ++k)
    if (!evaluate(cell, static_cast<int>(k), weights, sums)) return false;
  mean.precision += sums.precision / static_cast<double>(thresholds_.size());
  mean.recall += sums.recall / static_cast<double>(thresholds_.size());
  return true;
}

double CocoAccumulator::precision(size_t range, int threshold, std::span<const uint32_t> weights) const {
  Sums sums;
  int counted = 0;
  for (auto& [category, cells] : cells_) {
    sort(cells[range]);
    counted += evaluate_all(cells[range], threshold, weights, sums);
  }
  return counted > 0 ? sums.precision / counted : kNan;
}

double CocoAccumulator::recall(size_t range) const {
  Sums sums;
  int counted = 0;
  for (const auto& [category, cells] : cells_) counted += evaluate_all(cells[range], kAllThresholds, {}, sums);
  return counted > 0 ? sums.recall / counted : kNan;
}

double CocoAccumulator::category_precision(int category, size_t range, int threshold) const {
  auto found = cells_.find(category);
  if (found == cells_.end()) return kNan;
  sort(found->second[range]);
  Sums sums;
  return evaluate_all(found->second[range], threshold, {}, sums) ? sums.precision : kNan;
}

std::vector<int> CocoAccumulator::categories() const {
  std::vector<int> out;
  for (const auto& [category, cells] : cells_) out.push_back(category);
  return out;
}

int64_t CocoAccumulator::cost() const {
  size_t entries = 0;
  for (const auto& [category, cells] : cells_) entries += cells.front().entries.size() + 100;
  return static_cast<int64_t>(entries * thresholds_.size());
}

}  // namespace octet
