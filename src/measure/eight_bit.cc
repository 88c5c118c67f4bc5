#include "measure/eight_bit.h"

#include "graph/operator.h"

namespace octet {

namespace {

bool is_eight_bit(const Value* value) { return value != nullptr && (value->dtype == DType::kInt8 || value->dtype == DType::kUInt8); }
bool is_dequantized(const Value* value) { return value != nullptr && value->producer != nullptr && value->producer->op->dequantizes; }

}  // namespace

const Value* constant_behind(const Value* value) {
  while (value != nullptr && !value->is_constant()) {
    const Node* producer = value->producer;
    if (producer == nullptr || !producer->op->dequantizes) return nullptr;
    value = producer->input(0);
  }
  return value;
}

EightBit eight_bit_part(const Node& layer) {
  const Value *data = layer.input(0), *weights = layer.input(1);
  if (is_eight_bit(data)) return EightBit::kWhole;
  const Value* stored = constant_behind(weights);
  if (is_dequantized(data) && constant_behind(data) == nullptr) return stored == nullptr || is_dequantized(weights) ? EightBit::kWhole : EightBit::kNone;
  if (stored == nullptr || !is_eight_bit(stored)) return EightBit::kNone;
  // DynamicQuantizeMatMul and DynamicQuantizeLSTM take bytes and find the range of their data; MatMulNBits unpacks its blocks.
  bool unpacks = is_dequantized(weights) || layer.attributes.integer("bits", 0) != 0;
  return unpacks ? EightBit::kWeights : EightBit::kWhole;
}

}  // namespace octet
