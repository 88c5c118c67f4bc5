#include "kernels/quantize/quantize.h"
#include "kernels/round.h"

namespace octet::kernels::quantize {

static void tensor(const float* x, uint8_t* y, int64_t count, float scale, int32_t zero, Range range) {
  for (int64_t i = 0; i < count; ++i) y[i] = requantize(x[i] / scale, zero, range.low, range.high);
}

static void channels(const float* x, uint8_t* y, int64_t rows, int64_t channels, const float* scales, const int32_t* zeros, Range range) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) y[r * channels + c] = requantize(x[r * channels + c] / scales[c], zeros[c], range.low, range.high);
}

static void nchw_to_nhwc(const float* x, uint8_t* y, int64_t channels, int64_t x_plane, int64_t begin, int64_t end, float scale,
                         int32_t zero, Range range) {
  for (int64_t p = begin; p < end; ++p)
    for (int64_t c = 0; c < channels; ++c) y[p * channels + c] = requantize(x[c * x_plane + p] / scale, zero, range.low, range.high);
}

const Kernel reference = {tensor, channels, nchw_to_nhwc};

}  // namespace octet::kernels::quantize
