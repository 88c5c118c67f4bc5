#include "kernels/bench_support.h"
#include "kernels/binary_int8/binary_int8.h"

namespace octet::kernels::binary_int8 {

static const int registered = [] {
  constexpr int64_t kCount = 16384;
  const std::pair<const char*, Op> ops[] = {{"add", Op::kAdd}, {"multiply", Op::kMultiply}};
  for (const auto& [name, op] : ops)
    register_bench<Kernel>("binary_int8", name, entries(), kCount, 3 * kCount, [op = op](const Kernel& kernel) {
      static std::vector<uint8_t> a(kCount, 100), b(kCount, 200), y(kCount);
      Broadcast shape;
      shape.extent[0] = kCount;
      shape.a_stride[0] = shape.b_stride[0] = 1;
      kernel.run(op, {0.7f, 0.3f, 10, 20, 30, 0, 255, false, false}, shape, a.data(), b.data(), y.data(), 0, kCount);
    });
  return 0;
}();

}  // namespace octet::kernels::binary_int8
