#include "kernels/bench_support.h"
#include "kernels/minmax_f32/minmax_f32.h"

namespace octet::kernels::minmax_f32 {

static const int registered = register_bench<Kernel>("minmax_f32", "8192", entries(), 8192, 4 * 8192, [](const Kernel& kernel) {
  static std::vector<float> x(8192, 0.7f);
  float low, high;
  kernel.run(x.data(), 8192, &low, &high);
  benchmark::DoNotOptimize(low + high);
});

}  // namespace octet::kernels::minmax_f32
