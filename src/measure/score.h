// The task's score of a model over labelled frames.
#pragma once

#include <algorithm>
#include <memory>

#include "measure/frame_stream.h"
#include "octet/toolkit.h"
#include "tasks/interval.h"
#include "tasks/task.h"

namespace octet {

// What a task and its decoder may know about a model.
ModelDescription describe_model(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs);

// The outputs of the last run, by name, for decoders.
std::vector<NamedTensor> named_outputs(const Session& session, std::span<const Tensor> outputs);

// What the outputs of a run on this frame say.
Predictions decode_outputs(const Task& task, const Session& session, std::span<const Tensor> outputs, const Frame& frame);

Score score_of(const MetricResult& result);

// How much worse b scores than a on the same frames, whichever way the metric points: the drop, its interval and p-value of a result.
template <typename Result>
void set_drop(Result& result, const Metric& a, const Metric& b, bool higher_is_better) {
  PairedDifference paired = paired_difference(a, b);
  double sign = higher_is_better ? -1 : 1;
  result.drop = sign * paired.difference;
  result.drop_low = std::min(sign * paired.interval.low, sign * paired.interval.high);
  result.drop_high = std::max(sign * paired.interval.low, sign * paired.interval.high);
  result.p_value = paired.p_value;
}

// Feeds one model's outputs to its metric, frame by frame.
class Scorer {
 public:
  // `task` outlives the scorer.
  explicit Scorer(const Task& task) : task_(task), metric_(task.make_metric()) {}

  // Frames whose labels lack what the metric needs are counted and left out.
  void add(const Predictions& predictions, const Frame& frame);

  int64_t left_out() const { return left_out_; }
  const Metric& metric() const { return *metric_; }
  // Throws Error when no frame had a label.
  Score score() const;

 private:
  const Task& task_;
  std::unique_ptr<Metric> metric_;
  int64_t left_out_ = 0;
};

// The whole stream through one session.
Score score_model(Session& session, const Task& task, FrameStream& frames, const Progress& progress);

}  // namespace octet
