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
  uint8_t* input = allocate<uint8_t>(static_cast<size_t>(s.batch * s.input_image_stride) + 64);
  uint8_t* output = allocate<uint8_t>(static_cast<size_t>(s.batch * s.output_image_stride));
  int8_t* weights = allocate<int8_t>(static_cast<size_t>(s.output_channels * s.group_inputs() * s.taps()));
  std::byte* packed = allocate<std::byte>(op.packed_bytes);
  std::byte* scratch = allocate<std::byte>(op.scratch_bytes);
  Int8Weights description;
  description.data = weights;
  description.strides = conv_weights(s);
  pack(op, description, packed);
  ConvInt8Args args;
  args.input = input, args.packed = packed, args.output = output;
  for (auto _ : state) run(op, args, 0, op.tasks, scratch);
  state.counters["GOPS"] =
      benchmark::Counter(operations(s) * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  for (void* memory : {static_cast<void*>(input), static_cast<void*>(output), static_cast<void*>(weights),
                       static_cast<void*>(packed), static_cast<void*>(scratch)})
    std::free(memory);
}

const int registered = [] {
  for (const auto& entry : gemm_int8::entries()) {
    if (!isa_supported(entry.isa) || entry.isa == Isa::kReference) continue;
    for (const NamedShape& named : bench_shapes())
      for (bool is_signed : {false, true})
        benchmark::RegisterBenchmark(
            (std::string("conv_int8/") + entry.name + (is_signed ? "/s8/" : "/u8/") + named.name).c_str(),
            [kernel = entry.kernel, shape = named.shape, is_signed](benchmark::State& state) {
              measure(state, prepare_conv_int8(shape, is_signed, *kernel), pack_conv_int8, run_conv_int8);
            });
  }
  for (const auto& entry : depthwise_int8::entries()) {
    if (!isa_supported(entry.isa) || entry.isa == Isa::kReference) continue;
    for (const NamedShape& named : depthwise_bench_shapes())
      benchmark::RegisterBenchmark((std::string("depthwise_int8/") + entry.name + "/" + named.name).c_str(),
                                   [kernel = entry.kernel, shape = named.shape](benchmark::State& state) {
                                     measure(state, prepare_depthwise_int8(shape, false, *kernel), pack_depthwise_int8,
                                             run_depthwise_int8);
                                   });
  }
  return 0;
}();

}  // namespace
}  // namespace octet::kernels
