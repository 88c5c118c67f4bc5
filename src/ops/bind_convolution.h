// Fast steps for convolutions. The `layout` functions say kChannelsLast exactly when `bind` will succeed.
#pragma once

#include "graph/operator.h"
#include "ops/numeric.h"

namespace octet::ops {

LayoutSupport conv_f32_layout(const Node& node);
bool bind_conv_f32(BindContext& context);              // Conv, FusedConv
LayoutSupport conv_transpose_f32_layout(const Node& node);
bool bind_conv_transpose_f32(BindContext& context);

LayoutSupport conv_integer_layout(const Node& node);
bool bind_conv_integer(BindContext& context);          // ConvInteger
LayoutSupport qlinear_conv_layout(const Node& node);
bool bind_qlinear_conv(BindContext& context);          // QLinearConv
LayoutSupport qlinear_conv_add_layout(const Node& node);
bool bind_qlinear_conv_add(BindContext& context);      // octet.QLinearConvAdd
bool has_residual_epilogue(const Node& node);          // whether a QLinearConv could become one
// Of a product with a residual: its own range, narrowed by own_clamp_min and own_clamp_max.
Range own_clamped_range(const Node& node, DType dtype);
LayoutSupport qlinear_conv_function_layout(const Node& node);
bool bind_qlinear_conv_function(BindContext& context); // octet.QLinearConvFunction
LayoutSupport conv_to_float_layout(const Node& node);
bool bind_conv_to_float(BindContext& context);         // octet.ConvIntegerToFloat
LayoutSupport qlinear_conv_transpose_layout(const Node& node);
bool bind_qlinear_conv_transpose(BindContext& context);   // octet.QLinearConvTranspose
LayoutSupport conv_transpose_to_float_layout(const Node& node);
bool bind_conv_transpose_to_float(BindContext& context);   // octet.ConvTransposeIntegerToFloat

}  // namespace octet::ops
