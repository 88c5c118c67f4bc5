// octet.FusedAttention: softmax(scale(Q·Kᵀ) + addend) · V of all heads in one step, as the pass fuse-attention puts it together from
// two matrix products and what stands between them; never written to a file.
//
// Inputs: the tensors that hold Q, K and V (possibly one and the same), and an addend (a mask) or nothing. The heads are read where
// they lie: element (batch b, head h, row i, column j) of an operand is data[offset + b·batch + h·head + i·row + j·column].
#pragma once

#include "graph/operator.h"
#include "kernels/attention_rows/attention_rows.h"

namespace octet::ops {

struct HeadView {
  int64_t offset = 0, batch = 0, head = 0, row = 0, column = 1;
  int64_t at(int64_t b, int64_t h, int64_t i) const { return offset + b * batch + h * head + i * row; }
};

struct FusedAttention {
  int64_t batch = 1, heads = 1, rows = 0, keys = 0, depth = 0, value_depth = 0;
  HeadView q, k, v;          // k and v: rows are keys
  HeadView addend, y;
  std::vector<int64_t> y_shape;
  kernels::attention_rows::Scaling scaling = kernels::attention_rows::Scaling::kNone;
  float factor = 1;
  // Quantized: Q, K and V are bytes, the probabilities are quantized between the products. Scales and zero points of Q, K, the
  // probabilities, V and Y; Y may stay float.
  bool quantized = false, probabilities_signed = false;
  DType y_type = DType::kFloat32;
  float scales[5] = {1, 1, 1, 1, 1};
  int64_t zero_points[5] = {};
};
enum AttentionOperand : size_t { kQ, kK, kP, kV, kY };

void set_attributes(const FusedAttention& attention, Attributes& attributes);
FusedAttention read_fused_attention(const Attributes& attributes);

bool bind_fused_attention(BindContext& context);

}  // namespace octet::ops
