// octet.FusedNormalization: a residual addition, LayerNormalization over the last axes and a quantization in one step, as the pass
// fuse-normalization puts them together; never written to a file.
//
// Inputs: x; scale; bias or nothing; skip or nothing (float, or bytes with skip_scale and skip_zero_point). Outputs: the normalised
// values (bytes with y_scale, y_zero_point and y_type, else floats), and x + skip where somebody wants it.
#pragma once

#include "graph/operator.h"

namespace octet::ops {

struct FusedNormalization {
  int64_t columns = 0;   // elements of one row
  float epsilon = 1e-5f;
  bool skip_quantized = false;
  float skip_scale = 1;
  int64_t skip_zero_point = 0;
  DType y_type = DType::kFloat32;
  float y_scale = 1;
  int64_t y_zero_point = 0;
};

void set_attributes(const FusedNormalization& normalization, Attributes& attributes);
FusedNormalization read_fused_normalization(const Attributes& attributes);

}  // namespace octet::ops
