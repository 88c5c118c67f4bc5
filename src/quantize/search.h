// The search for the fastest model that loses no more than was allowed.
//
// Methods are tried in order on all layers; where none suffices, the layers that cost most accuracy per millisecond they save stay float:
// their number grows until the drop is small enough, then is narrowed down by halving. Every candidate is scored whole, by the
// engine that ships.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure/evaluate.h"
#include "quantize/sensitivity.h"

namespace octet {

struct Trial {
  std::string name;                    // "static", "static + equalization", "…, 3 layers float"
  std::string key;                     // tells trials apart in the journal
  Recipe recipe;
  std::vector<std::string> kept;       // layers that the search keeps float
  double drop = kNotMeasured, low = kNotMeasured, high = kNotMeasured, p_value = kNotMeasured;   // in points, or % of an error
  double score = kNotMeasured, agreement = kNotMeasured;
  double model_ms = kNotMeasured;
  bool passes = false;
};

struct SearchOptions {
  double max_drop = 0.5;               // points of the score; per cent of scores that are no fractions
  bool sure = false;                   // the upper end of the interval must stay below, too
  double seconds = 0;                  // budget; 0: none
  SessionOptions session;
  QuantizeProgress progress;
  // The journal: results of earlier work, and where new ones are told; may be empty.
  std::function<bool(Trial& trial)> known_trial;
  std::function<void(const Trial& trial)> found_trial;
  std::function<bool(SensitivityRow& row)> known_layer;
  std::function<void(const SensitivityRow& row)> found_layer;
};

struct SearchResult {
  std::vector<Trial> trials;           // in the order they were tried
  int best = -1;                       // the fastest that passes, else the one with the least drop
  bool passed = false;
  bool out_of_time = false;
  double float_ms = kNotMeasured;
  std::vector<SensitivityRow> layers;  // when the search came that far
  std::optional<QuantizeResult> model; // of the best
};

// `evaluator`: the float model as its reference, on frames that `frames` does not hold. `inputs`: of one frame, for times.
// `listen`: for the layers' sensitivity; its reference is the model that a StaticJob prepares.
class Search {
 public:
  using MakeListener = std::function<std::unique_ptr<Evaluator>(const Model& prepared)>;
  Search(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const Evaluator& evaluator, MakeListener make_listener,
         std::vector<Tensor> inputs, const SearchOptions& options);
  SearchResult run();

 private:
  StaticJob& job_for(const Recipe& recipe);
  bool attempt(Trial trial);
  bool keep_layers_float();
  void choose();
  bool time_is_up();

  const Model& model_;
  const Recipe& recipe_;
  const CalibrationFrames& frames_;
  const Evaluator& evaluator_;
  MakeListener make_listener_;
  std::vector<Tensor> inputs_;
  const SearchOptions& options_;
  std::map<std::string, std::unique_ptr<StaticJob>> jobs_;
  SearchResult result_;
  double started_ = 0, longest_trial_ = 0;
};

}  // namespace octet
