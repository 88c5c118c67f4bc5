#include "kernels/attention_rows/attention_rows.h"
#include "kernels/bench_support.h"

namespace octet::kernels::attention_rows {

static const int registered = [] {
  register_bench<Kernel>("attention_rows", "32x197 to bytes", entries(), 32 * 197, 5 * 32 * 197, [](const Kernel& kernel) {
    static std::vector<float> x(32 * 208, 0.7f);
    static std::vector<uint8_t> y(32 * 256);
    static int32_t sums[32];
    Params p;
    p.scaling = Scaling::kDivide, p.factor = 8, p.scale = 0.004f;
    kernel.bytes(p, x.data(), y.data(), 32, 197, 208, 256, sums);
  });
  return 0;
}();

}  // namespace octet::kernels::attention_rows
