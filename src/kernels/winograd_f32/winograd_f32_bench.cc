#include "kernels/bench_support.h"
#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels::winograd_f32 {

static const int registered = [] {
  for (int64_t channels : {64, 512}) {
    register_bench<Kernel>("winograd_f32_input", std::to_string(channels), entries(), 16 * channels, 8 * 16 * channels, [channels](const Kernel& kernel) {
      static std::vector<float> x(16 * 512, 0.7f), y(16 * 528);
      const float* pixels[kPixels];
      for (int64_t p = 0; p < kPixels; ++p) pixels[p] = x.data() + p * channels;
      kernel.transform_input(pixels, channels, y.data(), channels + 16);
    });
    register_bench<Kernel>("winograd_f32_output", std::to_string(channels), entries(), 4 * channels, 20 * 4 * channels, [channels](const Kernel& kernel) {
      static std::vector<float> products(16 * 528, 0.7f), bias(512), y(4 * 512);
      Square square;
      square.products = products.data(), square.step = channels + 16, square.columns = channels, square.bias = bias.data();
      square.high = 1e9f;
      for (int64_t p = 0; p < kOutputs; ++p) square.output[p] = y.data() + p * channels;
      kernel.finish(square);
    });
  }
  return 0;
}();

}  // namespace octet::kernels::winograd_f32
