// Which layers cost accuracy when they are 8-bit, and which save time.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "measure/evaluate.h"
#include "quantize/static_job.h"

namespace octet {

struct SensitivityRow {
  std::string layer, op;
  int64_t macs = 0;
  double noise = kNotMeasured;       // noise over signal at the telling values (measure/evaluate.h)
  double sqnr_db = kNotMeasured;
  double drop = kNotMeasured;        // of the score, with labels
  double float_ms = kNotMeasured, int8_ms = kNotMeasured;   // of the layer's own steps
  double saved_ms() const { return float_ms - int8_ms; }
};

struct SensitivityTable {
  std::vector<SensitivityRow> rows;  // the most harmful first
  double float_ms = kNotMeasured, int8_ms = kNotMeasured;   // all steps of the float model, and of the one with all layers 8-bit
};

struct SensitivityStudy {
  bool all_but = false;              // each layer float in the quantized model, instead of each alone 8-bit in the float one
  bool score = false;                // also the drop of the task's score
  double seconds = 0.5;              // for the times of each model; 0: no times
  // Results of earlier work by layer name, and where new ones are told; may be empty.
  std::function<bool(SensitivityRow& row)> known;
  std::function<void(const SensitivityRow& row)> found;
  QuantizeProgress progress;
};

// A recipe with one layer alone in 8 bits, or with these layers kept float.
Recipe with_only(const Recipe& recipe, const std::string& layer);
Recipe without(const Recipe& recipe, std::span<const std::string> layers);

// `recipe` says how the job quantizes; single layers go without bias correction. `inputs`: of one frame, for the times.
// `evaluator` has job.prepared() as its reference.
SensitivityTable study_sensitivity(StaticJob& job, const Recipe& recipe, const Evaluator& evaluator, std::span<const Tensor> inputs,
                                   const SessionOptions& options, const SensitivityStudy& study);

}  // namespace octet
