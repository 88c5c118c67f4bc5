#include "kernels/bench_support.h"
#include "kernels/resize/resize.h"

namespace octet::kernels::resize {

static const int registered = [] {
  constexpr int64_t kIn = 20, kOut = 40;
  AxisOptions o;
  o.scale = 2;
  static const AxisTable table = make_axis(kIn, kOut, o);
  static std::vector<float> x(kIn * kIn * 64, 0.7f), y(kOut * kOut * 64);
  static std::vector<uint8_t> x8(kIn * kIn * 64, 7), y8(kOut * kOut * 64);
  for (int64_t channels : {3, 64}) {
    Geometry g;
    g.height = g.width = table.view();
    g.channels = g.x_stride = g.y_stride = channels;
    const int64_t outputs = kOut * kOut * channels;
    register_bench<Kernel>("resize", "f32_linear_c" + std::to_string(channels), entries(), outputs, 5 * outputs,
                           [g](const Kernel& kernel) { kernel.f32(g, x.data(), y.data(), 0, kOut); });
    register_bench<Kernel>("resize", "bytes_linear_c" + std::to_string(channels), entries(), outputs, outputs * 5 / 4,
                           [g](const Kernel& kernel) { kernel.bytes(g, {}, x8.data(), y8.data(), 0, kOut); });
  }
  return 0;
}();

}  // namespace octet::kernels::resize
