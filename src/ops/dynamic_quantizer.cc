#include "ops/dynamic_quantizer.h"

#include <algorithm>

namespace octet::ops {

namespace {

constexpr size_t kSlot = 64;   // bytes between the partial results of workers
constexpr int64_t kGrain = 1 << 14;

}  // namespace

DynamicQuantizer DynamicQuantizer::make(int64_t elements, Isa isa) {
  return {kernels::minmax_f32::select(isa).kernel, kernels::quantize::select(isa).kernel, elements};
}

size_t DynamicQuantizer::scratch_bytes(int threads) { return kSlot * static_cast<size_t>(threads); }

DynamicQuantization DynamicQuantizer::run(const float* x, uint8_t* y, std::byte* scratch, ThreadPool& pool) const {
  auto slot = [&](int worker) { return reinterpret_cast<float*>(scratch + static_cast<size_t>(worker) * kSlot); };
  for (int worker = 0; worker < pool.threads(); ++worker) slot(worker)[0] = slot(worker)[1] = 0;   // the range includes 0
  pool.parallel_for(elements, kGrain, [&](int64_t begin, int64_t end, int worker) {
    float low, high;
    minmax->run(x + begin, end - begin, &low, &high);
    slot(worker)[0] = std::min(slot(worker)[0], low);
    slot(worker)[1] = std::max(slot(worker)[1], high);
  });
  float low = 0, high = 0;
  for (int worker = 0; worker < pool.threads(); ++worker) {
    low = std::min(low, slot(worker)[0]);
    high = std::max(high, slot(worker)[1]);
  }
  DynamicQuantization q = dynamic_quantization(low, high);
  if (y != nullptr)
    pool.parallel_for(elements, kGrain, [&](int64_t begin, int64_t end, int) {
      quantize->tensor(x + begin, y + begin, end - begin, q.scale, q.zero_point, {0, 255});
    });
  return q;
}

DynamicQuantization DynamicQuantizer::run(const float* x, uint8_t* y) const {
  float low, high;
  minmax->run(x, elements, &low, &high);
  DynamicQuantization q = dynamic_quantization(low, high);
  quantize->tensor(x, y, elements, q.scale, q.zero_point, {0, 255});
  return q;
}

}  // namespace octet::ops
