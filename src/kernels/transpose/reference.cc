#include "kernels/transpose/transpose.h"

namespace octet::kernels::transpose {

template <typename T>
static void move(const void* x, int64_t x_stride, void* y, int64_t y_stride, int64_t rows, int64_t columns) {
  const unsigned char* from = static_cast<const unsigned char*>(x);
  unsigned char* to = static_cast<unsigned char*>(y);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      __builtin_memcpy(to + (c * y_stride + r) * static_cast<int64_t>(sizeof(T)), from + (r * x_stride + c) * static_cast<int64_t>(sizeof(T)), sizeof(T));
}

static void tile(int element_bytes, const void* x, int64_t x_stride, void* y, int64_t y_stride, int64_t rows, int64_t columns) {
  switch (element_bytes) {
    case 1: return move<uint8_t>(x, x_stride, y, y_stride, rows, columns);
    case 2: return move<uint16_t>(x, x_stride, y, y_stride, rows, columns);
    case 4: return move<uint32_t>(x, x_stride, y, y_stride, rows, columns);
    default: return move<uint64_t>(x, x_stride, y, y_stride, rows, columns);
  }
}

const Kernel reference = {tile};

}  // namespace octet::kernels::transpose
