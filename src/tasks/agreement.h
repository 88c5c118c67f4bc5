// How far two models agree on the same frames, without labels: the quantized one against the float one, say.
//
// Classes: the same best class. Detections above `min_score`: each is matched, the best first, to one of the other side of the
// same class with at least `match_iou` (and half of min_score, so that falling below the limit by a hair is no disagreement);
// a frame agrees by matched / number, over both sides, 1 where both are empty; where all frames are, the result is NaN. Values: the
// root mean square difference.
#pragma once

#include "tasks/metric.h"

namespace octet {

struct AgreementOptions {
  double min_score = .3;    // detections below are noise to both
  double match_iou = .5;
};

class Agreement {
 public:
  explicit Agreement(const AgreementOptions& options = {}) : options_(options) {}

  void add(const Predictions& a, const Predictions& b);

  int64_t frames() const { return static_cast<int64_t>(agreement_.size()); }
  // Mean over frames with its 95 % interval: "same_top1", "matched_detections" or "RMS_difference".
  MetricResult result() const;
  std::span<const double> contributions() const { return agreement_; }
  double identical_fraction() const;   // frames that agree fully: same best class, or every detection matched

 private:
  enum class Kind { kNone, kClasses, kDetections, kValues };

  AgreementOptions options_;
  Kind kind_ = Kind::kNone;
  bool found_ = false;   // a detection above the limit, on either side
  std::vector<double> agreement_;
};

}  // namespace octet
