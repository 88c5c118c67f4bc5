#include "kernels/bench_support.h"
#include "kernels/gru_cell_f32/gru_cell_f32.h"

namespace octet::kernels::gru_cell_f32 {

static const int registered = register_bench<Kernel>("gru_cell_f32", "256", entries(), 256, 4 * 256 * 8, [](const Kernel& kernel) {
  static std::vector<float> input(768, 0.3f), recurrent(768, 0.2f), before(256, 0.5f), h(256);
  kernel.step(input.data(), recurrent.data(), nullptr, nullptr, 1e30f, before.data(), h.data(), 256);
});

}  // namespace octet::kernels::gru_cell_f32
