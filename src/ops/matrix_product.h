// What all matrix products share: shape rules, the plain loops of their reference evaluations, and dynamic quantization.
#pragma once

#include <algorithm>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/numeric.h"

namespace octet::ops {

// Which axes of an operand are rows and columns. `batch`: rows are axis 0 and the batch axes follow it (transBatch).
struct Transposed { bool matrix = false, batch = false; };

// C[..., m, n] = A[..., m, k] · B[..., k, n] with broadcast batch axes; a vector A gains a row, a vector B a column, and they vanish
// from the result again. Strides are in elements.
struct MatrixProduct {
  Shape output;                         // without the axes that vanish
  int64_t m = 1, n = 1, k = 1, batches = 1;
  std::vector<int64_t> batch_extents, a_strides, b_strides;   // over batch axes; 0 where repeated
  int64_t a_row = 0, a_column = 1, b_row = 0, b_column = 1;
  int64_t a_offset(int64_t batch) const { return offset(batch, a_strides); }
  int64_t b_offset(int64_t batch) const { return offset(batch, b_strides); }
  bool shared_b() const { return std::all_of(b_strides.begin(), b_strides.end(), [](int64_t s) { return s == 0; }); }

 private:
  int64_t offset(int64_t batch, const std::vector<int64_t>& strides) const {
    int64_t sum = 0;
    for (size_t axis = batch_extents.size(); axis-- > 0;) {
      sum += batch % batch_extents[axis] * strides[axis];
      batch /= batch_extents[axis];
    }
    return sum;
  }
};

// Shapes may have unknown extents. Throws Error when they do not go together.
Shape matrix_product_shape(const Shape& a, const Shape& b, Transposed ta = {}, Transposed tb = {});
MatrixProduct plan_matrix_product(const Shape& a, const Shape& b, Transposed ta = {}, Transposed tb = {});
// Output 0 gets the product's shape of inputs a and b.
void infer_matrix_product(InferContext& context, size_t a, size_t b, DType dtype, Transposed ta = {}, Transposed tb = {});
int64_t matrix_product_macs(const Node& node, size_t a, Transposed ta = {});

// a · b + c; integers wrap around.
template <typename T>
T multiply_add(T a, T b, T c) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b) + static_cast<uint64_t>(c));
  } else {
    return c + a * b;
  }
}

// c[i][j] += Σ a[i][k] · b[k][j] for one batch, k in sequence; c dense.
template <typename T>
void multiply(const MatrixProduct& p, const T* a, const T* b, T* c, ThreadPool* pool) {
  std::vector<T> packed;
  const T* rows = b;
  int64_t stride = p.b_row;
  if (p.b_column != 1 && p.m > 1) {
    packed.resize(static_cast<size_t>(p.k * p.n));
    for (int64_t k = 0; k < p.k; ++k)
      for (int64_t j = 0; j < p.n; ++j) packed[static_cast<size_t>(k * p.n + j)] = b[k * p.b_row + j * p.b_column];
    rows = packed.data();
    stride = p.n;
  }
  int64_t step = packed.empty() ? p.b_column : 1;
  parallel(pool, p.m, std::max<int64_t>(1, 20000 / std::max<int64_t>(1, p.n * p.k)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* out = c + i * p.n;
      if (step == 1) {
        for (int64_t k = 0; k < p.k; ++k) {
          T value = a[i * p.a_row + k * p.a_column];
          const T* row = rows + k * stride;
          for (int64_t j = 0; j < p.n; ++j) out[j] = multiply_add(value, row[j], out[j]);
        }
      } else {
        for (int64_t j = 0; j < p.n; ++j)
          for (int64_t k = 0; k < p.k; ++k) out[j] = multiply_add(a[i * p.a_row + k * p.a_column], rows[k * stride + j * step], out[j]);
      }
    }
  });
}

// All batches; c is dense and starts from zero.
template <typename T>
void multiply_all(const MatrixProduct& p, const T* a, const T* b, T* c, ThreadPool* pool) {
  std::fill_n(c, p.batches * p.m * p.n, T(0));
  for (int64_t batch = 0; batch < p.batches; ++batch) multiply(p, a + p.a_offset(batch), b + p.b_offset(batch), c + batch * p.m * p.n, pool);
}

// Per-tensor dynamic quantization to uint8 (DynamicQuantizeLinear): the range includes 0; max = min gives scale 1, zero point 0.
struct DynamicQuantization { float scale; int32_t zero_point; };
DynamicQuantization dynamic_quantization(float min, float max);
DynamicQuantization dynamic_quantization(const float* values, int64_t count);
uint8_t quantize_u8(float value, DynamicQuantization q);

// Values minus zero point modulo 2^32. One zero point for all, or one per column of the last axis of extent `columns`.
std::vector<uint32_t> centred_columns(const Tensor& values, const Reader<int32_t>& zero, int64_t columns);

}  // namespace octet::ops
