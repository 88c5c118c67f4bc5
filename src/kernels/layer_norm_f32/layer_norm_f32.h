// Layer normalisation over the rows of [rows][columns], dense.
//
// All sums run in the fixed 16-lane tree (lane l takes elements i ≡ l mod 16 in order from 0, then l+8, l+4, l+2, l+1):
//   mean = Σ x / n;  d_i = x_i - mean;  variance = Σ d_i² / n (one fma per element);  inverse = 1 / √(variance + epsilon)
//   t_i = d_i · inverse;  y_i = scale and bias given: fma(t_i, scale_i, bias_i); scale alone: t_i · scale_i; neither: t_i
// Rms form: mean = 0, so variance is the mean of squares. scale may be null (then bias too), bias may be null.
// means and inverses, where not null, receive one value per row (means not in the Rms form).
// Any alignment; y may be x, other overlaps are not allowed. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "kernels/select.h"

namespace octet::kernels::layer_norm_f32 {

struct Params {
  float epsilon = 1e-5f;
  bool rms = false;
  const float* scale = nullptr;
  const float* bias = nullptr;
  float* means = nullptr;
  float* inverses = nullptr;
};

// A residual addition before and a quantization behind, in the same pass over each row:
//   v_i = fl(x_i + skip_i), skip_i given in float or as fl(fl(byte − zero point) · scale), or v_i = x_i without a skip
//   y   = the normalised v, or the byte sat(rhe(fl(y_i / y_scale)) + y_zero_point), as kernels/quantize has it
// `sum` receives v: all rows, or with keeps_sum false one row of memory that is used again for each. Where there is no skip it is not
// touched. sum may be x or skip; params.means and inverses are not written.
struct Fused {
  Params params;
  const float* x = nullptr;
  const float* skip = nullptr;            // at most one of the two
  const uint8_t* skip_bytes = nullptr;
  float skip_scale = 1;
  int32_t skip_zero_point = 0;
  bool skip_signed = false;
  float* sum = nullptr;
  bool keeps_sum = true;
  float* y = nullptr;                     // one of the two
  uint8_t* y_bytes = nullptr;
  float y_scale = 1;
  int32_t y_zero_point = 0, y_low = 0, y_high = 255;
};

struct Kernel {
  void (*run)(const Params& params, const float* x, float* y, int64_t rows, int64_t columns);
  void (*fused)(const Fused& fused, int64_t rows, int64_t columns);
};

#define OCTET_KERNEL_MANIFEST "kernels/layer_norm_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::layer_norm_f32
