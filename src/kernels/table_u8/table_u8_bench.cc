#include "kernels/bench_support.h"
#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

static const int registered = register_bench<Kernel>("table_u8", "16384", entries(), 16384, 2 * 16384, [](const Kernel& kernel) {
  static std::vector<uint8_t> x(16384, 7), y(16384), table(256, 1);
  kernel.run(x.data(), y.data(), 16384, table.data());
});

}  // namespace octet::kernels::table_u8
