#include "kernels/bench_support.h"
#include "kernels/quantize/quantize.h"

namespace octet::kernels::quantize {

static const int registered = [] {
  constexpr int64_t kCount = 12288;
  register_bench<Kernel>("quantize", "tensor", entries(), kCount, 5 * kCount, [](const Kernel& kernel) {
    static std::vector<float> x(kCount, 0.7f);
    static std::vector<uint8_t> y(kCount);
    kernel.tensor(x.data(), y.data(), kCount, 0.01f, 10, {0, 255});
  });
  for (int64_t channels : {3, 64})
    register_bench<Kernel>("quantize", "nchw_to_nhwc_c" + std::to_string(channels), entries(), kCount, 5 * kCount, [channels](const Kernel& kernel) {
      static std::vector<float> x(kCount, 0.7f);
      static std::vector<uint8_t> y(kCount);
      kernel.nchw_to_nhwc(x.data(), y.data(), channels, kCount / channels, 0, kCount / channels, 0.01f, 10, {0, 255});
    });
  return 0;
}();

}  // namespace octet::kernels::quantize
