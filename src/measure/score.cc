#include "measure/score.h"

#include "base/error.h"
#include "base/interrupt.h"

namespace octet {

namespace {

InputDescription description_of(const TensorInfo& info) { return {info.name, info.dtype, info.shape}; }

}  // namespace

ModelDescription describe_model(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs) {
  ModelDescription description;
  for (const TensorInfo& info : inputs) description.inputs.push_back(description_of(info));
  for (const TensorInfo& info : outputs) description.outputs.push_back(description_of(info));
  return description;
}

std::vector<NamedTensor> named_outputs(const Session& session, std::span<const Tensor> outputs) {
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < outputs.size(); ++i) named.push_back({session.outputs()[i].name, outputs[i]});
  return named;
}

Score score_of(const MetricResult& result) {
  Score score;
  score.metric = result.name;
  score.value = result.value;
  score.low = result.interval.low;
  score.high = result.interval.high;
  score.higher_is_better = result.higher_is_better;
  score.is_fraction = result.is_fraction;
  score.frames = result.frames;
  for (const MetricValue& value : result.values) score.values.emplace_back(value.name, value.value);
  return score;
}

Predictions decode_outputs(const Task& task, const Session& session, std::span<const Tensor> outputs, const Frame& frame) {
  return task.decode(named_outputs(session, outputs), frame.geometry);
}

void Scorer::add(const Predictions& predictions, const Frame& frame) {
  if (!task_.can_score(frame.truth.get())) {
    ++left_out_;
    return;
  }
  metric_->add(predictions, *frame.truth);
}

Score Scorer::score() const {
  if (metric_->frames() == 0)
    throw Error(ErrorCode::kNotFound, text("none of ", left_out_, " frames has a label that a '", task_.kind(), "' task can be scored with"),
                "check that the labels belong to these frames");
  return score_of(metric_->result());
}

Score score_model(Session& session, const Task& task, FrameStream& frames, const Progress& progress) {
  Scorer scorer(task);
  Frame frame;
  frames.rewind();
  for (int64_t done = 0; frames.next(frame); ++done) {
    check_interrupt();
    if (progress) progress("scoring", done, frames.count);
    scorer.add(decode_outputs(task, session, session.run(tensors_of(frame)), frame), frame);
  }
  return scorer.score();
}

}  // namespace octet
