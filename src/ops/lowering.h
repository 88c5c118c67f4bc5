// The integer forms of operators between DequantizeLinear and QuantizeLinear (OperatorDef::lower). Each returns false, leaving the graph
// as it is, when the operands are not all 8-bit with one scale, weights not constant, or a sum could leave 32 bits.
#pragma once

#include "graph/operator.h"

namespace octet::ops {

// A definition with its integer form.
constexpr OperatorDef with_lower(OperatorDef definition, bool (*lower)(LowerContext&)) {
  definition.lower = lower;
  return definition;
}

bool lower_conv(LowerContext& context);             // Conv, FusedConv → QLinearConv, or ConvIntegerToFloat
bool lower_conv_transpose(LowerContext& context);   // → octet.QLinearConvTranspose, or ConvTransposeIntegerToFloat
bool lower_gemm(LowerContext& context);             // → QGemm
bool lower_matmul(LowerContext& context);           // → QLinearMatMul, MatMulIntegerToFloat, or QGemm for a bias
bool lower_add(LowerContext& context);              // → QLinearAdd
bool lower_subtract(LowerContext& context);         // → octet.QLinearSub
bool lower_multiply(LowerContext& context);         // → QLinearMul
bool lower_average_pool(LowerContext& context);     // → QLinearAveragePool
bool lower_global_average_pool(LowerContext& context);
bool lower_reduce_mean(LowerContext& context);      // over all spatial axes → QLinearGlobalAveragePool
bool lower_concat(LowerContext& context);           // → Concat of bytes, tables in front where parameters differ
bool lower_pad(LowerContext& context);              // → Pad of bytes with the quantized constant, a table in front likewise

}  // namespace octet::ops
