// Registers a kernel's benchmarks at every level the machine has.
#pragma once

#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/select.h"

namespace octet::kernels {

// name/level/what; body(state, kernel) runs the loop. `bytes` moved and `items` computed per iteration become rates.
template <typename Kernel, typename Body>
int register_bench(const char* name, const std::string& what, std::span<const Entry<Kernel>> entries, int64_t items, int64_t bytes, Body body) {
  for (const auto& entry : entries) {
    if (!isa_supported(entry.isa)) continue;
    benchmark::RegisterBenchmark((std::string(name) + "/" + entry.name + "/" + what).c_str(),
                                 [kernel = entry.kernel, items, bytes, body](benchmark::State& state) {
                                   for (auto _ : state) {
                                     body(*kernel);
                                     benchmark::ClobberMemory();
                                   }
                                   state.SetItemsProcessed(state.iterations() * items);
                                   state.SetBytesProcessed(state.iterations() * bytes);
                                 });
  }
  return 0;
}

}  // namespace octet::kernels
