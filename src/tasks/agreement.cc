#include "tasks/agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "tasks/classification_metric.h"
#include "tasks/interval.h"
#include "tasks/nms.h"

namespace octet {

namespace {

std::vector<const Detection*> above(const Predictions& predictions, double min_score) {
  std::vector<const Detection*> out;
  for (const Detection& d : predictions.detections)
    if (static_cast<double>(d.score) >= min_score) out.push_back(&d);
  std::stable_sort(out.begin(), out.end(), [](const Detection* x, const Detection* y) { return x->score > y->score; });
  return out;
}

// A detection just above the limit on one side and just below on the other is no disagreement: each side's detections
// above the limit may match any of the other side's.
double detection_agreement(const Predictions& a, const Predictions& b, const AgreementOptions& options, bool& found) {
  auto half = [&](const Predictions& from, const Predictions& to, size_t& total) {
    std::vector<const Detection*> wanted = above(from, options.min_score), others = above(to, options.min_score / 2);
    std::vector<bool> taken(others.size());
    size_t matched = 0;
    for (const Detection* d : wanted) {
      size_t best = others.size();
      double best_iou = options.match_iou;
      for (size_t i = 0; i < others.size(); ++i) {
        if (taken[i] || others[i]->class_index != d->class_index) continue;
        if (double iou = box_iou(*d, *others[i]); iou >= best_iou && (best == others.size() || iou > best_iou)) {
          best = i;
          best_iou = iou;
        }
      }
      if (best == others.size()) continue;
      taken[best] = true;
      ++matched;
    }
    total += wanted.size();
    return matched;
  };
  size_t total = 0, matched = half(a, b, total);
  matched += half(b, a, total);
  found = found || total > 0;
  return total == 0 ? 1 : static_cast<double>(matched) / static_cast<double>(total);
}

}  // namespace

void Agreement::add(const Predictions& a, const Predictions& b) {
  Kind kind = !a.classes.empty() || !b.classes.empty() ? Kind::kClasses
              : !a.values.empty() || !b.values.empty() ? Kind::kValues : Kind::kDetections;
  require(kind_ == Kind::kNone || kind_ == kind, ErrorCode::kInvalidArgument, "predictions of different kinds cannot be compared");
  kind_ = kind;
  if (kind == Kind::kClasses) {
    bool same = !a.classes.empty() && !b.classes.empty() && a.classes[0].class_index == b.classes[0].class_index;
    agreement_.push_back(same ? 1 : 0);
  } else if (kind == Kind::kValues) {
    require(a.values.size() == b.values.size(), ErrorCode::kShapeMismatch, "one model gives ", a.values.size(), " values, the other ", b.values.size());
    double squared = 0;
    for (size_t i = 0; i < a.values.size(); ++i) {
      double difference = static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]);
      squared += difference * difference;
    }
    agreement_.push_back(squared / static_cast<double>(a.values.size()));
  } else {
    agreement_.push_back(detection_agreement(a, b, options_, found_));
  }
}

double Agreement::identical_fraction() const {
  if (agreement_.empty()) return std::numeric_limits<double>::quiet_NaN();
  double full = kind_ == Kind::kValues ? 0 : 1;
  return static_cast<double>(std::count(agreement_.begin(), agreement_.end(), full)) / static_cast<double>(agreement_.size());
}

namespace {

// Lets the bootstrap resample an agreement's frames.
class MeanOfFrames : public Metric {
 public:
  MeanOfFrames(std::span<const double> values, bool root) : values_(values), root_(root) {}
  const char* name() const override { return "mean"; }
  void add(const Predictions&, const GroundTruth&) override {}
  int64_t frames() const override { return static_cast<int64_t>(values_.size()); }
  double score(std::span<const uint32_t> weights) const override {
    double mean = weighted_mean(values_, weights);
    return root_ ? std::sqrt(mean) : mean;
  }
  std::vector<MetricValue> values() const override { return {{"mean", score({})}}; }

 private:
  std::span<const double> values_;
  bool root_;
};

}  // namespace

MetricResult Agreement::result() const {
  MeanOfFrames mean(agreement_, kind_ == Kind::kValues);
  MetricResult result;
  result.name = kind_ == Kind::kClasses ? "same_top1" : kind_ == Kind::kValues ? "RMS_difference" : "matched_detections";
  result.value = mean.score({});
  if (kind_ == Kind::kDetections && !found_) {   // no answers, so none that agree
    result.value = result.interval.low = result.interval.high = std::numeric_limits<double>::quiet_NaN();
  } else if (kind_ == Kind::kClasses) {
    auto count = static_cast<double>(agreement_.size());
    result.interval = wilson_interval(result.value * count, count);
  } else {
    result.interval = bootstrap_interval(mean);
  }
  result.higher_is_better = result.is_fraction = kind_ != Kind::kValues;
  result.frames = frames();
  result.values = {{result.name, result.value}};
  return result;
}

}  // namespace octet
