#include "kernels/bench_support.h"
#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::kernels::reduce_f32 {

static const int registered = [] {
  const std::pair<const char*, Op> ops[] = {{"sum", Op::kSum}, {"max", Op::kMax}};
  for (const auto& [name, op] : ops) {
    register_bench<Kernel>("reduce_f32", std::string("rows_") + name, entries(), 64 * 256, 4 * 64 * 256, [op = op](const Kernel& kernel) {
      static std::vector<float> x(64 * 256, 0.7f), y(256);
      kernel.rows(op, x.data(), y.data(), 64, 256, 256);
    });
    register_bench<Kernel>("reduce_f32", std::string("columns_") + name, entries(), 64 * 256, 4 * 64 * 256, [op = op](const Kernel& kernel) {
      static std::vector<float> x(64 * 256, 0.7f), y(256);
      kernel.columns(op, x.data(), y.data(), 64, 256, 256);
    });
  }
  return 0;
}();

}  // namespace octet::kernels::reduce_f32
