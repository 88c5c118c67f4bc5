// What is 8-bit in a model as it stands.
#pragma once

#include "graph/graph.h"

namespace octet {

enum class EightBit : uint8_t {
  kNone,
  kWeights,   // the weights, which become floats when the model is loaded
  kWhole,     // the arithmetic
};
// Of a layer: an operator with weights or of two operands. Counts QDQ form, integer operators and those of com.microsoft.
EightBit eight_bit_part(const Node& layer);

// The constant behind an operand: the operand itself, or what a DequantizeLinear unpacks. Null when it is computed.
const Value* constant_behind(const Value* value);

}  // namespace octet
