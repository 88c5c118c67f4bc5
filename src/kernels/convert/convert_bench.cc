#include "kernels/bench_support.h"
#include "kernels/convert/convert.h"

namespace octet::kernels::convert {

static const int registered = [] {
  static std::vector<float> wide(8192, 0.7f);
  static std::vector<Float16> half(8192);
  static std::vector<BFloat16> brain(8192);
  register_bench<Kernel>("convert", "f16_to_f32", entries(), 8192, 6 * 8192, [](const Kernel& k) { k.f16_to_f32(half.data(), wide.data(), 8192); });
  register_bench<Kernel>("convert", "f32_to_f16", entries(), 8192, 6 * 8192, [](const Kernel& k) { k.f32_to_f16(wide.data(), half.data(), 8192); });
  register_bench<Kernel>("convert", "bf16_to_f32", entries(), 8192, 6 * 8192, [](const Kernel& k) { k.bf16_to_f32(brain.data(), wide.data(), 8192); });
  register_bench<Kernel>("convert", "f32_to_bf16", entries(), 8192, 6 * 8192, [](const Kernel& k) { k.f32_to_bf16(wide.data(), brain.data(), 8192); });
  return 0;
}();

}  // namespace octet::kernels::convert
