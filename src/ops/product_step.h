// Fast steps of matrix products. All operands lie in ONNX order.
#pragma once

#include "ops/convolution.h"
#include "ops/matrix_product.h"

namespace octet::ops {

// A float product C = alpha · A · B (+ beta · C0), clamped.
struct FloatProduct {
  Transposed ta, tb;
  float alpha = 1, beta = 1;
  Activation activation;
};
bool bind_product_f32(BindContext& context, const FloatProduct& product);
// A · weights (+ bias) with input 0 as A and constants that the operator made: weights [k][n], bias n values or null.
bool bind_constant_product_f32(BindContext& context, int64_t k, int64_t n, const float* weights, const float* bias);

// Which input is what in an 8-bit product, by index; 99 where the form has none.
struct IntegerProductForm {
  size_t a, a_scale, a_zero, b, b_scale, b_zero, bias, y_scale, y_zero;
  bool gemm = false, dynamic = false;   // dynamic: A is float and quantized on the way
};
bool bind_product_int8(BindContext& context, const IntegerProductForm& form);

}  // namespace octet::ops
