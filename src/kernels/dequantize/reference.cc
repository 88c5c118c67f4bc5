#include "kernels/dequantize/dequantize.h"
#include "kernels/round.h"

namespace octet::kernels::dequantize {

static float value(uint8_t x, bool is_signed, float scale, int32_t zero) {
  return static_cast<float>(byte_value(x, is_signed) - zero) * scale;
}

static void tensor(const uint8_t* x, bool is_signed, float* y, int64_t count, float scale, int32_t zero) {
  for (int64_t i = 0; i < count; ++i) y[i] = value(x[i], is_signed, scale, zero);
}

static void channels(const uint8_t* x, bool is_signed, float* y, int64_t rows, int64_t channels, const float* scales, const int32_t* zeros) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) y[r * channels + c] = value(x[r * channels + c], is_signed, scales[c], zeros[c]);
}

static void nhwc_to_nchw(const uint8_t* x, bool is_signed, float* y, int64_t channels, int64_t y_plane, int64_t begin, int64_t end,
                         float scale, int32_t zero) {
  for (int64_t p = begin; p < end; ++p)
    for (int64_t c = 0; c < channels; ++c) y[c * y_plane + p] = value(x[p * channels + c], is_signed, scale, zero);
}

static void int32_tensor(const int32_t* x, float* y, int64_t count, float scale) {
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i]) * scale;
}

static void int32_channels(const int32_t* x, float* y, int64_t rows, int64_t channels, const float* scales) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) y[r * channels + c] = static_cast<float>(x[r * channels + c]) * scales[c];
}

const Kernel reference = {tensor, channels, nhwc_to_nchw, int32_tensor, int32_channels};

}  // namespace octet::kernels::dequantize
