#include "kernels/bench_support.h"
#include "kernels/crc32c/crc32c.h"

namespace octet::kernels::crc32c {

static const int registered = register_bench<Kernel>("crc32c", "1 MB", entries(), 1 << 20, 1 << 20, [](const Kernel& kernel) {
  static std::vector<uint8_t> bytes(1 << 20, 7);
  benchmark::DoNotOptimize(kernel.run(0, bytes.data(), bytes.size()));
});

}  // namespace octet::kernels::crc32c
