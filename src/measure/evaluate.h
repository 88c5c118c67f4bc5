// Judging many candidates against one model on the same frames: the reference runs once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "measure/frame_stream.h"
#include "measure/score.h"
#include "octet/toolkit.h"
#include "tasks/task.h"

namespace octet {

// Values whose difference tells how far a model is from another: its outputs, except where they come out of an operator that puts things
// in order or selects by rank (TopK, NonMaxSuppression …): there a tiny difference exchanges rows, so what goes into it counts.
std::vector<std::string> telling_values(const Graph& graph);

struct Judgement {
  double sqnr_db = kNotMeasured;       // of the telling value that fares worst
  double noise = kNotMeasured;         // noise power over signal power, mean over the telling values
  std::optional<Score> score;          // with labels
  double drop = kNotMeasured, drop_low = kNotMeasured, drop_high = kNotMeasured, p_value = kNotMeasured;
  double agreement = kNotMeasured;     // share of frames with the same answer, when the task is known
};

class Evaluator {
 public:
  // `reference` runs over all frames here. `task` may be null (no score, no agreement); `labels`: frames have them. What it
  // borrows must outlive it. Reference tensors are kept in memory up to a limit; beyond it, frames tell no noise.
  Evaluator(const Model& reference, FrameStream& frames, const Task* task, bool labels, const SessionOptions& options, const Progress& progress);
  ~Evaluator();

  int64_t frames() const;
  const std::optional<Score>& reference_score() const;

  // The score, by the engine as it ships: nothing is watched.
  Judgement judge(const Model& candidate) const;
  // The noise at the telling values, which are looked up by the reference's names.
  Judgement listen(const Model& candidate) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace octet
