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

struct Kernel {
  void (*run)(const Params& params, const float* x, float* y, int64_t rows, int64_t columns);
};

#define OCTET_KERNEL_MANIFEST "kernels/layer_norm_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::layer_norm_f32
