// Bias correction: rounding moves the mean of what a layer computes; its bias moves it back.
//
// M. Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019 (1906.04721, §4.2 and appendix D).
#pragma once

#include <functional>
#include <vector>

#include "calibrate/channel_statistics.h"
#include "quantize/equalize.h"
#include "quantize/layer_values.h"
#include "quantize/quantize.h"

namespace octet {

// From the data: layer by layer in graph order, the mean of each output channel in the quantized model — with all layers before
// it already corrected — is brought to that of the float model, both on `frames`. The mean is weighted by the squared slope of the
// function behind the layer (Relu, SiLU …), at the float result. `quantized` is changed in place.
// Returns how many layers were corrected.
int correct_biases(Model& quantized, const Model& prepared, const KeptFrames& frames, const SessionOptions& options,
                   const std::function<void(int64_t done, int64_t total)>& progress = {});

// Analytic: (w̃ − w) · E[x] is taken off the bias, with E[x] per input channel as seen by the float model (`statistics`, by value
// name). Ignores the rounding of activations and the zeros around a picture. Returns how many layers were corrected.
int correct_biases_analytically(Model& quantized, const Model& prepared, const ChannelStatisticsMap& statistics);

}  // namespace octet
