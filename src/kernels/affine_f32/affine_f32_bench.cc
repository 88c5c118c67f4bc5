#include "kernels/affine_f32/affine_f32.h"
#include "kernels/bench_support.h"

namespace octet::kernels::affine_f32 {

static const int registered = [] {
  for (int64_t channels : {24, 128})
    register_bench<Kernel>("affine_f32", "64x" + std::to_string(channels), entries(), 64 * channels, 8 * 64 * channels, [channels](const Kernel& kernel) {
      static std::vector<float> x(64 * 128, 0.7f), y(64 * 128), a(128, 1), b(128, 0);
      kernel.channels(x.data(), y.data(), 64, channels, a.data(), b.data());
    });
  return 0;
}();

}  // namespace octet::kernels::affine_f32
