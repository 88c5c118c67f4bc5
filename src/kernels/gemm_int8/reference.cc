#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/gemm_int8/gemm_int8.h"

namespace octet::kernels::gemm_int8 {

static constexpr int64_t kColumns = 8;

static void store(const Block& block, int64_t i, int64_t j, uint32_t sum) {
  const int64_t at = block.c_offsets[i] + j;
  const int32_t acc = static_cast<int32_t>(sum);
  if (block.output == Output::kInt32) {
    static_cast<int32_t*>(block.c)[at] = acc;
    return;
  }
  float v = static_cast<float>(acc) * block.multiplier[j];
  if (block.float_bias != nullptr) v = v + block.float_bias[j];
  if (block.output == Output::kFloat32) {
    v = block.low > v ? block.low : v;
    static_cast<float*>(block.c)[at] = block.high < v ? block.high : v;
    return;
  }
  if (block.function != nullptr || block.residual != nullptr) {
    if (block.function != nullptr) {
      epilogue_int8::reference.function(*block.function, block.low, block.high, &v, 1);
    } else {
      epilogue_int8::reference.residual(*block.residual, block.low, block.high, &v,
                                        block.residual_bytes + block.residual_offsets[i] + j, 1);
    }
    static_cast<uint8_t*>(block.c)[at] = static_cast<uint8_t>(std::bit_cast<int32_t>(v) + block.output_zero_point);
    return;
  }
  v = v > block.low ? v : block.low;   // NaN, too
  v = std::min(v, block.high);
  static_cast<uint8_t*>(block.c)[at] = static_cast<uint8_t>(static_cast<int32_t>(std::nearbyint(v)) + block.output_zero_point);
}

static void run(const Block& block) {
  const int64_t depth = block.taps * block.channels;
  for (int64_t j = 0; j < block.n; ++j) {
    const int64_t panel = j / kColumns * kColumns;
    const int64_t width = std::min(kColumns, block.n - panel);
    const int8_t* b = block.b + panel * depth + (j - panel);
    for (int64_t i = 0; i < block.m; ++i) {
      uint32_t sum = static_cast<uint32_t>(block.bias[j]);
      for (int64_t t = 0; t < block.taps; ++t) {
        const uint8_t* a = static_cast<const uint8_t*>(block.a[t * block.a_rows + i]);
        for (int64_t c = 0; c < block.channels; ++c)
          sum += static_cast<uint32_t>(static_cast<int32_t>(a[c]) * b[(t * block.channels + c) * width]);
      }
      if (block.row_sums != nullptr)
        sum -= static_cast<uint32_t>(block.row_sums[i]) * static_cast<uint32_t>(block.zero_points[j]);
      store(block, i, j, sum);
    }
  }
}

static void pack_row(const void* const* sources, int64_t runs, int64_t count, uint8_t flip, void* row) {
  uint8_t* out = static_cast<uint8_t*>(row);
  for (int64_t r = 0; r < runs; ++r) {
    const uint8_t* in = static_cast<const uint8_t*>(sources[r]);
    for (int64_t i = 0; i < count; ++i) *out++ = in[i] ^ flip;
  }
}

const Kernel reference = {1, kColumns, 1, 1, 1, InputForm::kUnsigned, 1, run, pack_row};

}  // namespace octet::kernels::gemm_int8
