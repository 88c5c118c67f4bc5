// Fast steps of normalizations in float.
#pragma once

#include "graph/operator.h"

namespace octet::ops {

// Rows of `columns` elements; inputs by index, 99 where the operator has none. With a skip input the sum goes in first; outputs by
// index likewise.
struct RowNormalization {
  bool rms;
  size_t skip, scale, bias, sum_bias;
  size_t mean_output, deviation_output, sum_output;
  float epsilon;
  int64_t rows, columns;
};
bool bind_row_normalization(BindContext& context, const RowNormalization& form);

// BatchNormalization with constant parameters, channels-last.
LayoutSupport batch_normalization_layout(const Node& node);
bool bind_batch_normalization(BindContext& context);

}  // namespace octet::ops
