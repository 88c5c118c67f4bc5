#include <algorithm>
#include <cstring>

#include "kernels/pack_int8/pack_int8.h"

namespace octet::kernels::pack_int8 {

void pack_plainly(const Panel& p) {
  std::memset(p.out, 0, static_cast<size_t>(p.depth_steps * p.width * p.group));
  for (int64_t k = 0; k < p.depth; ++k) {
    const uint8_t* row = p.data + k * p.row_stride;
    int8_t* out = p.out + k / p.group * p.width * p.group + k % p.group;
    for (int64_t j = 0; j < p.columns; ++j) {
      const int8_t value = static_cast<int8_t>(row[j * p.column_stride] ^ p.flip);
      out[j * p.group] = value;
      p.sums[j] += value;
    }
  }
}

template <typename T>
static int32_t sum_of(const uint8_t* bytes, int64_t count) {
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<T>(bytes[i]);
  return sum;
}

static void row_sums(const uint8_t* rows, int64_t stride, int64_t row_count, int64_t count, bool is_signed, int32_t* sums) {
  for (int64_t r = 0; r < row_count; ++r, rows += stride) sums[r] = is_signed ? sum_of<int8_t>(rows, count) : sum_of<uint8_t>(rows, count);
}

static void fold_columns(const int32_t* bias, const int32_t* sums, int32_t zero_point, int64_t count, int32_t* folded) {
  for (int64_t j = 0; j < count; ++j)
    folded[j] = static_cast<int32_t>(static_cast<uint32_t>(bias[j]) - static_cast<uint32_t>(zero_point) * static_cast<uint32_t>(sums[j]));
}

static void scale_columns(const float* values, float factor, int64_t count, float* scaled) {
  for (int64_t j = 0; j < count; ++j) scaled[j] = values[j] * factor;
}

const Kernel reference = {pack_plainly, nullptr, row_sums, fold_columns, scale_columns};

}  // namespace octet::kernels::pack_int8
