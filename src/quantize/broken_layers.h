// Layers that 8 bits would break: one scale serves all channels of a layer's input, and where these are of very different size, the small
// ones get a handful of steps. A layer that mixes channels hardly notices, because the large ones carry its result; a depthwise layer hands the
// noise on channel by channel, and whoever reads the small channels gets little else.
//
// Two steps find them. The forecast follows the rounding noise of a layer's input and weights to its results and on to the layers
// that read these, from ranges and mean squares per channel (the model of noise of 1906.04721 §4 and of B. Widrow, I. Kollár,
// "Quantization Noise", 2008: uniform, independent, step²/12). What it suspects is then listened to: such a layer stays float only where
// the model's outputs come clearly nearer to the float model's (quantize/static_job.cc).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "quantize/equalize.h"

namespace octet {

struct LayerForecast {
  std::string layer, op;         // as reports name them
  double macs = 0;               // share of all layers with constant weights
  double noise = 0;              // noise over signal at the result, or at the results of those that read it where that is more
  double spread = 1;             // how many times larger the largest channel of the input is than one of the small ones (a tenth are smaller)
};

// The inputs and results of layers with constant weights: name and axis of the channels.
std::map<std::string, int> channels_to_forecast(const Graph& prepared);

// Of the layers that are 8-bit in `quantized`, which was made from `prepared`; in graph order.
std::vector<LayerForecast> forecast_layers(const Model& prepared, const Model& quantized, const ChannelStatisticsMap& seen);

}  // namespace octet
