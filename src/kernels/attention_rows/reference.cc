#include "kernels/attention_rows/attention_rows.h"
#include "kernels/round.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels::attention_rows {

static void floats(const Params& p, float* x, int64_t rows, int64_t columns, int64_t x_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    float* row = x + r * x_stride;
    for (int64_t j = 0; j < columns; ++j) {
      if (p.scaling == Scaling::kMultiply) row[j] = row[j] * p.factor;
      if (p.scaling == Scaling::kDivide) row[j] = row[j] / p.factor;
      if (p.addend != nullptr) row[j] = row[j] + p.addend[r * p.addend_stride + j];
    }
  }
  softmax_f32::reference.softmax(x, x, rows, columns, x_stride, x_stride);
}

static void bytes(const Params& p, float* x, uint8_t* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride, int32_t* sums) {
  floats(p, x, rows, columns, x_stride);
  for (int64_t r = 0; r < rows; ++r) {
    int32_t sum = 0;
    for (int64_t j = 0; j < columns; ++j) {
      uint8_t& byte = y[r * y_stride + j];
      byte = requantize(x[r * x_stride + j] / p.scale, p.zero_point, p.low, p.high);
      sum += byte_value(byte, p.low < 0);
    }
    if (sums != nullptr) sums[r] = sum;
  }
}

const Kernel reference = {floats, bytes};

}  // namespace octet::kernels::attention_rows
