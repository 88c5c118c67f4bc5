#include "kernels/bench_support.h"
#include "kernels/pack_int8/pack_int8.h"

namespace octet::kernels::pack_int8 {

static const int registered = [] {
  for (bool rows : {false, true})
    register_bench<Kernel>("pack_int8", rows ? "rows of 32" : "columns of 64", entries(), 64 * 32, 2 * 64 * 32, [rows](const Kernel& kernel) {
      static std::vector<uint8_t> data(64 * 64, 7);
      static std::vector<int8_t> out(64 * 32);
      static int32_t sums[32] = {};
      Panel p;
      p.data = data.data();
      p.row_stride = rows ? 64 : 1, p.column_stride = rows ? 1 : 64;
      p.depth = 64, p.columns = 32, p.depth_steps = 16, p.width = 32;
      p.out = out.data(), p.sums = sums;
      kernel.panel(p);
    });
  return 0;
}();

}  // namespace octet::kernels::pack_int8
