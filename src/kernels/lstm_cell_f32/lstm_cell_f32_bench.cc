#include "kernels/bench_support.h"
#include "kernels/lstm_cell_f32/lstm_cell_f32.h"

namespace octet::kernels::lstm_cell_f32 {

static const int registered = register_bench<Kernel>("lstm_cell_f32", "256", entries(), 256, 4 * 256 * 11, [](const Kernel& kernel) {
  static std::vector<float> input(1024, 0.3f), recurrent(1024, 0.2f), before(256, 0.5f), c(256), h(256);
  kernel.step({}, input.data(), recurrent.data(), before.data(), c.data(), h.data(), 256);
});

}  // namespace octet::kernels::lstm_cell_f32
