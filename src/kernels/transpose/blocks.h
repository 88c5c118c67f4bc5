// Walks a tile in square blocks: `block` transposes edge × edge elements in registers, what is left goes one by one.
#pragma once

#include "kernels/transpose/transpose.h"

namespace octet::kernels::transpose {
namespace {

template <typename T>
inline void move_one(const unsigned char* x, unsigned char* y) {
  __builtin_memcpy(y, x, sizeof(T));
}

// block(x, x_stride, y, y_stride) with strides in bytes: reads `edge` rows of x, writes `edge` rows of y.
template <typename T, int edge, typename Block>
inline void walk(const void* x_data, int64_t x_stride, void* y_data, int64_t y_stride, int64_t rows, int64_t columns, Block block) {
  constexpr int64_t kSize = sizeof(T);
  const auto* x = static_cast<const unsigned char*>(x_data);
  auto* y = static_cast<unsigned char*>(y_data);
  const int64_t whole_rows = rows - rows % edge, whole_columns = columns - columns % edge;
  for (int64_t r = 0; r < whole_rows; r += edge)
    for (int64_t c = 0; c < whole_columns; c += edge)
      block(x + (r * x_stride + c) * kSize, x_stride * kSize, y + (c * y_stride + r) * kSize, y_stride * kSize);
  auto one = [&](int64_t r, int64_t c) { move_one<T>(x + (r * x_stride + c) * kSize, y + (c * y_stride + r) * kSize); };
  for (int64_t c = 0; c < whole_columns; ++c)
    for (int64_t r = whole_rows; r < rows; ++r) one(r, c);
  for (int64_t c = whole_columns; c < columns; ++c)
    for (int64_t r = 0; r < rows; ++r) one(r, c);
}

}  // namespace
}  // namespace octet::kernels::transpose
