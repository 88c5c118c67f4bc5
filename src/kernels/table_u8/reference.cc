#include "kernels/table_u8/table_u8.h"

namespace octet::kernels::table_u8 {

static void run(const uint8_t* x, uint8_t* y, int64_t count, const uint8_t* table) {
  for (int64_t i = 0; i < count; ++i) y[i] = table[x[i]];
}

const Kernel reference = {run};

}  // namespace octet::kernels::table_u8
