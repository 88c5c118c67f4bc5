// Quantizing a model: a float Model and statistics in, a QDQ Model out.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "calibrate/tensor_statistics.h"
#include "graph/graph.h"
#include "octet/runtime.h"
#include "quantize/recipe.h"
#include "quantize/selection.h"

namespace octet {

struct QuantizeResult {
  Model model;                        // ready to write
  std::vector<LayerReport> layers;
  int quantized_values = 0;           // activations with 8-bit parameters
  int64_t frames = 0;                 // that ranges come from
  std::vector<std::string> notes;     // what the methods did, a line each
};

// Gives the calibration frames one by one: fills `inputs` (in the order of the model's inputs) and returns true, or returns false at the end.
using NextFrame = std::function<bool(std::vector<Tensor>& inputs)>;

// The calibration frames, for methods that pass over them more than once.
struct CalibrationFrames {
  NextFrame next;
  std::function<void()> rewind;   // the next frame is the first again; empty: the frames are kept in memory when they are needed again
  CalibrationFrames(NextFrame next_frame, std::function<void()> rewind_frames = {}) : next(std::move(next_frame)), rewind(std::move(rewind_frames)) {}
};

// What quantizing does at the moment: "calibrating", "equalizing", … of how many (0: not known).
using QuantizeProgress = std::function<void(std::string_view what, int64_t done, int64_t total)>;

// The whole of it: prepares, equalizes, calibrates, quantizes, corrects, as far as the recipe asks for it. Calibrates if the method needs it (static: throws Error when there are no frames).
QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options = {},
                              const QuantizeProgress& progress = {});

// The parts, for those who bring statistics of their own (by value name of the prepared model).
using Statistics = std::map<std::string, TensorStatistics>;
std::vector<std::string> values_to_observe(const Model& prepared, const Recipe& recipe);
QuantizeResult quantize_static(const Model& prepared, const Recipe& recipe, const Statistics& statistics);
QuantizeResult quantize_dynamic(const Model& prepared, const Recipe& recipe);
QuantizeResult quantize_weight_only(const Model& prepared, const Recipe& recipe);

}  // namespace octet
