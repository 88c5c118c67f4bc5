#include "kernels/bench_support.h"
#include "kernels/transpose/transpose.h"

namespace octet::kernels::transpose {

static const int registered = [] {
  for (int element_bytes : {1, 2, 4, 8})
    for (int64_t channels : {3, 64}) {
      const int64_t pixels = 784;
      Plan plan;
      make_plan(std::vector<int64_t>{channels, pixels}, std::vector<int64_t>{1, 0}, element_bytes, plan);
      register_bench<Kernel>("transpose", std::to_string(element_bytes) + "_bytes_c" + std::to_string(channels), entries(), channels * pixels,
                             2 * channels * pixels * element_bytes, [plan](const Kernel& kernel) {
                               static std::vector<uint8_t> x(784 * 64 * 8), y(784 * 64 * 8);
                               run(kernel, plan, x.data(), y.data(), 0, plan.units);
                             });
    }
  return 0;
}();

}  // namespace octet::kernels::transpose
