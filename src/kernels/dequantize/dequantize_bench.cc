#include "kernels/bench_support.h"
#include "kernels/dequantize/dequantize.h"

namespace octet::kernels::dequantize {

static const int registered = [] {
  constexpr int64_t kCount = 12288;
  register_bench<Kernel>("dequantize", "tensor", entries(), kCount, 5 * kCount, [](const Kernel& kernel) {
    static std::vector<uint8_t> x(kCount, 7);
    static std::vector<float> y(kCount);
    kernel.tensor(x.data(), false, y.data(), kCount, 0.01f, 10);
  });
  for (int64_t channels : {4, 64})
    register_bench<Kernel>("dequantize", "nhwc_to_nchw_c" + std::to_string(channels), entries(), kCount, 5 * kCount, [channels](const Kernel& kernel) {
      static std::vector<uint8_t> x(kCount, 7);
      static std::vector<float> y(kCount);
      kernel.nhwc_to_nchw(x.data(), false, y.data(), channels, kCount / channels, 0, kCount / channels, 0.01f, 10);
    });
  return 0;
}();

}  // namespace octet::kernels::dequantize
