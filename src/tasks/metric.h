// Scores predictions against ground truth, one frame at a time.
//
// A metric keeps what each frame contributes, so that the same frames can be weighed differently afterwards: `score(weights)`
// is the primary value with frame i counted weights[i] times. Bootstrap intervals and paired comparisons of two models
// (interval.h) need nothing else. Not thread-safe: add frames from one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frames/ground_truth.h"
#include "tasks/predictions.h"

namespace octet {

struct Interval { double low = 0, high = 0; };

struct MetricValue {
  std::string name;     // "AP50"
  double value = 0;     // NaN where there was nothing to measure (no small object in the data, say)
};

struct MetricResult {
  std::string name;                  // of the primary value: "top1", "AP", "OKS", "RMSE"
  double value = 0;
  Interval interval;                 // 95 %: Wilson for fractions of frames, percentile bootstrap with a fixed seed otherwise
  bool higher_is_better = true;
  bool is_fraction = true;           // in [0, 1], printed as per cent; otherwise in the unit of the data
  int64_t frames = 0;
  std::vector<MetricValue> values;   // all values, the primary one first
};

class Metric {
 public:
  virtual ~Metric() = default;

  virtual const char* name() const = 0;              // of the primary value
  virtual bool higher_is_better() const { return true; }
  virtual bool is_fraction() const { return true; }

  // Throws Error when the truth lacks the kind of label this metric needs.
  virtual void add(const Predictions& predictions, const GroundTruth& truth) = 0;

  virtual int64_t frames() const = 0;
  // The primary value with frame i counted weights[i] times; empty weights count every frame once. NaN without a frame to score.
  virtual double score(std::span<const uint32_t> weights) const = 0;
  // One number per frame, where the primary value is made of such (correct or not, squared error …); empty for mAP.
  virtual std::span<const double> contributions() const { return {}; }
  // How much work one call of score is, roughly in frames of a mean: lets the bootstrap bound its time.
  virtual int64_t score_cost() const { return frames(); }

  virtual std::vector<MetricValue> values() const = 0;   // all values, the primary one first
  virtual Interval interval() const;                     // 95 %
  MetricResult result() const;
};

}  // namespace octet
