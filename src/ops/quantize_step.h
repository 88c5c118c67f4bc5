// Fast steps between floats and 8 bits, and of 256-entry tables.
#pragma once

#include "graph/operator.h"

namespace octet::ops {

// QuantizeLinear, DequantizeLinear: one scale, or one per position along an axis.
bool bind_quantize(BindContext& context);
bool bind_dequantize(BindContext& context);
LayoutSupport quantize_layout(const Node& node);      // any order with one scale
bool quantize_reorders(const Node& node);
LayoutSupport dequantize_layout(const Node& node);
bool bind_dynamic_quantize(BindContext& context);
LayoutSupport dynamic_quantize_layout(const Node& node);

// y = table[x] for input 0; any order.
void bind_table(BindContext& context, const uint8_t* table);

}  // namespace octet::ops
