// Fast steps of LSTM, DynamicQuantizeLSTM and GRU: constant weights, standard activations, full sequences.
#pragma once

#include "graph/operator.h"

namespace octet::ops {

bool bind_lstm(BindContext& context);
bool bind_dynamic_quantize_lstm(BindContext& context);
bool bind_gru(BindContext& context);

}  // namespace octet::ops
