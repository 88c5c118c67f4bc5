// Fast steps for pools over channels-last tensors.
#pragma once

#include "graph/operator.h"

namespace octet::ops {

LayoutSupport pool_layout(const Node& node);           // MaxPool, AveragePool, Global*: float and (Max) 8-bit
bool bind_max_pool(BindContext& context);
bool bind_average_pool(BindContext& context);
bool bind_global_average_pool(BindContext& context);
LayoutSupport qlinear_pool_layout(const Node& node);   // com.microsoft QLinearAveragePool, QLinearGlobalAveragePool
bool bind_qlinear_average_pool(BindContext& context);
bool bind_qlinear_global_average_pool(BindContext& context);

}  // namespace octet::ops
