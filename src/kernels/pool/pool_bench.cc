#include "kernels/bench_support.h"
#include "kernels/pool/pool.h"

namespace octet::kernels::pool {

static const int registered = [] {
  constexpr int64_t kSize = 28, kChannels = 64, kCount = kSize * kSize * kChannels;
  Geometry g;
  g.in_height = g.in_width = kSize;
  g.out_height = g.out_width = kSize / 2;
  g.channels = g.x_stride = g.y_stride = kChannels;
  g.kernel_height = g.kernel_width = 3;
  g.stride_height = g.stride_width = 2;
  g.pad_top = g.pad_left = 1;
  static std::vector<float> x(kCount, 0.7f), y(kCount);
  static std::vector<uint8_t> x8(kCount, 7), y8(kCount);
  register_bench<Kernel>("pool", "max_f32", entries(), kCount / 4, 5 * kCount, [g](const Kernel& k) { k.max_f32(g, x.data(), y.data(), 0, g.out_height); });
  register_bench<Kernel>("pool", "average_f32", entries(), kCount / 4, 5 * kCount, [g](const Kernel& k) { k.average_f32(g, x.data(), y.data(), 0, g.out_height); });
  register_bench<Kernel>("pool", "max_8", entries(), kCount / 4, kCount * 5 / 4, [g](const Kernel& k) { k.max_8(g, false, x8.data(), y8.data(), 0, g.out_height); });
  register_bench<Kernel>("pool", "average_8", entries(), kCount / 4, kCount * 5 / 4, [g](const Kernel& k) { k.average_8(g, {}, x8.data(), y8.data(), 0, g.out_height); });
  register_bench<Kernel>("pool", "global_average_f32", entries(), kCount, 4 * kCount,
                         [](const Kernel& k) { k.global_average_f32(x.data(), kSize * kSize, kChannels, y.data(), 0, kChannels); });
  register_bench<Kernel>("pool", "global_average_8", entries(), kCount, kCount,
                         [](const Kernel& k) { k.global_average_8({}, x8.data(), kSize * kSize, kChannels, y8.data(), 0, kChannels); });
  return 0;
}();

}  // namespace octet::kernels::pool
