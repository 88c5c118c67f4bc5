#include "kernels/bench_support.h"
#include "kernels/layer_norm_f32/layer_norm_f32.h"

namespace octet::kernels::layer_norm_f32 {

static const int registered = [] {
  for (int64_t columns : {64, 384, 768})
    register_bench<Kernel>("layer_norm_f32", "16x" + std::to_string(columns), entries(), 16 * columns, 8 * 16 * columns, [columns](const Kernel& kernel) {
      static std::vector<float> x(16 * 768, 0.7f), y(16 * 768), scale(768, 1), bias(768, 0);
      Params p;
      p.scale = scale.data();
      p.bias = bias.data();
      kernel.run(p, x.data(), y.data(), 16, columns);
    });
  return 0;
}();

}  // namespace octet::kernels::layer_norm_f32
