#include "kernels/bench_support.h"
#include "kernels/unary_f32/unary_f32.h"

namespace octet::kernels::unary_f32 {

static const int registered = [] {
  constexpr int64_t kCount = 4096;
  const std::pair<const char*, Op> ops[] = {{"relu", Op::kRelu}, {"exp", Op::kExp}, {"sigmoid", Op::kSigmoid}, {"tanh", Op::kTanh}, {"erf", Op::kErf},
                                            {"log", Op::kLog}, {"silu", Op::kSilu}, {"gelu", Op::kGelu}, {"mish", Op::kMish}};
  for (const auto& [name, op] : ops)
    register_bench<Kernel>("unary_f32", name, entries(), kCount, 8 * kCount, [op = op](const Kernel& kernel) {
      static std::vector<float> x(kCount, 0.7f), y(kCount);
      kernel.run(op, {}, x.data(), y.data(), kCount);
    });
  return 0;
}();

}  // namespace octet::kernels::unary_f32
