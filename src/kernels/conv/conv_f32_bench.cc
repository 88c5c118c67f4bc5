#include <cstdlib>
#include <cstring>

#include <benchmark/benchmark.h>

#include "kernels/conv/bench_shapes.h"
#include "kernels/conv/depthwise.h"

namespace octet::kernels {
namespace {

template <typename T>
T* allocate(size_t count) {
  void* memory = std::aligned_alloc(64, (count * sizeof(T) + 127) / 64 * 64);
  std::memset(memory, 0, count * sizeof(T));
  return static_cast<T*>(memory);
}

template <typename Op, typename Pack, typename Run>
void measure(benchmark::State& state, const Op& op, Pack&& pack, Run&& run) {
  const ConvShape& s = op.shape;
  float* input = allocate<float>(static_cast<size_t>(s.batch * s.input_image_stride) + 16);
  float* output = allocate<float>(static_cast<size_t>(s.batch * s.output_image_stride) + 16);
  float* weights = allocate<float>(static_cast<size_t>(s.output_channels * s.group_inputs() * s.taps()));
  std::byte* packed = allocate<std::byte>(op.packed_bytes);
  std::byte* scratch = allocate<std::byte>(op.scratch_bytes);
  pack(op, weights, conv_weights(s), nullptr, packed);
  ConvF32Args args;
  args.input = input, args.packed = packed, args.output = output;
  args.low = 0;
  for (auto _ : state) run(op, args, 0, op.tasks, scratch);
  state.counters["GFLOPS"] =
      benchmark::Counter(operations(s) * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  for (void* memory : {static_cast<void*>(input), static_cast<void*>(output), static_cast<void*>(weights),
                       static_cast<void*>(packed), static_cast<void*>(scratch)})
    std::free(memory);
}

const int registered = [] {
  for (const auto& entry : gemm_f32::entries()) {
    if (!isa_supported(entry.isa) || entry.isa == Isa::kReference) continue;
    for (const NamedShape& named : bench_shapes())
      benchmark::RegisterBenchmark((std::string("conv_f32/") + entry.name + "/" + named.name).c_str(),
                                   [kernel = entry.kernel, shape = named.shape](benchmark::State& state) {
                                     measure(state, prepare_conv_f32(shape, *kernel), pack_conv_f32, run_conv_f32);
                                   });
  }
  for (const auto& entry : depthwise_f32::entries()) {
    if (!isa_supported(entry.isa) || entry.isa == Isa::kReference) continue;
    for (const NamedShape& named : depthwise_bench_shapes())
      benchmark::RegisterBenchmark((std::string("depthwise_f32/") + entry.name + "/" + named.name).c_str(),
                                   [kernel = entry.kernel, shape = named.shape](benchmark::State& state) {
                                     measure(state, prepare_depthwise_f32(shape, *kernel), pack_depthwise_f32,
                                             run_depthwise_f32);
                                   });
  }
  return 0;
}();

}  // namespace
}  // namespace octet::kernels
