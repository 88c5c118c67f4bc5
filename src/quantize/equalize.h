// Equalization across layers: channels of very different size get one size, so that one scale fits all of them.
//
// M. Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019 (1906.04721, §4.1), with activations
// instead of weights as the measure (weights have a scale per output channel already) and with the trade between activations
// and weights of G. Xiao et al., "SmoothQuant", 2022 (2211.10438): factor_c = range_c^α / weight_c^(1−α). Which α, or none, is
// decided for each set of connected layers by the predicted noise at their outputs.
#pragma once

#include <map>
#include <string>

#include "calibrate/channel_statistics.h"
#include "quantize/channel_classes.h"

namespace octet {

using ChannelStatisticsMap = std::map<std::string, ChannelStatistics>;   // by value name

struct Equalization {
  std::vector<float> factors;   // per class of ChannelClasses
  int sets = 0;                 // connected sets of layers that changed
  double predicted_gain_db = 0; // of the noise of the sets that changed, mean
};

// The values whose channels must be watched: name and axis.
std::map<std::string, int> channels_to_observe(const ChannelClasses& classes);

// `quantized`: names of values that get 8-bit parameters. `strength`: 0 to 1 fixes α; negative: the best by prediction.
Equalization choose_factors(const ChannelClasses& classes, const ChannelStatisticsMap& statistics, const std::vector<std::string>& quantized,
                            double strength = -1);

}  // namespace octet
