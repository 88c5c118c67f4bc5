#include "kernels/bench_support.h"
#include "kernels/binary_f32/binary_f32.h"

namespace octet::kernels::binary_f32 {

static const int registered = [] {
  constexpr int64_t kCount = 8192;
  const std::pair<const char*, std::vector<int64_t>> shapes[] = {{"equal", {32, 256}}, {"inner", {256}}, {"outer", {32, 1}}, {"scalar", {1}}};
  for (const auto& [name, b_shape] : shapes) {
    Broadcast shape;
    make_broadcast(std::vector<int64_t>{32, 256}, b_shape, shape);
    register_bench<Kernel>("binary_f32", std::string("add_") + name, entries(), kCount, 12 * kCount, [shape](const Kernel& kernel) {
      static std::vector<float> a(kCount, 1), b(kCount, 2), y(kCount);
      kernel.run(Op::kAdd, {}, shape, a.data(), b.data(), y.data(), 0, kCount);
    });
  }
  return 0;
}();

}  // namespace octet::kernels::binary_f32
