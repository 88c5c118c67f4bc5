#include "kernels/bench_support.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::kernels::softmax_f32 {

static const int registered = [] {
  for (int64_t columns : {16, 197, 1024})
    register_bench<Kernel>("softmax_f32", "16x" + std::to_string(columns), entries(), 16 * columns, 8 * 16 * columns, [columns](const Kernel& kernel) {
      static std::vector<float> x(16 * 1024, 0.7f), y(16 * 1024);
      kernel.softmax(x.data(), y.data(), 16, columns, columns, columns);
    });
  return 0;
}();

}  // namespace octet::kernels::softmax_f32
