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
};

// Gives the calibration frames one by one: fills `inputs` (in the order of the model's inputs) and returns true, or returns false at the end.
using NextFrame = std::function<bool(std::vector<Tensor>& inputs)>;

// The whole of it: prepares, calibrates if the method needs it (static: throws Error when there are no frames), quantizes.
QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const NextFrame& next_frame, const SessionOptions& options = {});

// The parts, for those who bring statistics of their own (by value name of the prepared model).
using Statistics = std::map<std::string, TensorStatistics>;
std::vector<std::string> values_to_observe(const Model& prepared, const Recipe& recipe);
QuantizeResult quantize_static(const Model& prepared, const Recipe& recipe, const Statistics& statistics);
QuantizeResult quantize_dynamic(const Model& prepared, const Recipe& recipe);
QuantizeResult quantize_weight_only(const Model& prepared, const Recipe& recipe);

}  // namespace octet
