// How kernels are declared, listed and chosen.
//
// A kernel folder src/kernels/<name>/ holds
//   <name>.h        the contract: formula, shapes, packing, alignment, aliasing, and the kernel type (a struct of function
//                   pointers and tile sizes) called `Kernel` in namespace octet::kernels::<name>
//   reference.cc    the definition; x86_avx2.cc, x86_avx512vnni.cc, arm_neon.cc, ... the fast ones
//   manifest.inc    one line per kernel, best first, the reference last:
//                       OCTET_KERNEL_X86(x86_avx512vnni, kAvx512Vnni)
//                       OCTET_KERNEL_X86(x86_avx2, kAvx2)
//                       OCTET_KERNEL_ARM(arm_neon, kNeon)
//                       OCTET_KERNEL_ANY(reference, kReference)
//   <name>_test.cc  sweeps shapes against the reference, bit for bit, over all kernels the machine supports
//   <name>_bench.cc Google Benchmark
// Each implementation file defines `extern const Kernel <stem>;`. CMake reads the same manifest to compile each file with its
// level's flags, so a kernel is declared, built, chosen, tested and benchmarked by its one line.
#pragma once

#include <span>

#include "base/cpu.h"

namespace octet::kernels {

template <typename Kernel>
struct Entry {
  const char* name;       // the file's stem: "x86_avx2"
  Isa isa;
  const Kernel* kernel;
};

// The first entry that may run at `level`; the list ends in the reference, so there always is one.
template <typename Kernel>
const Entry<Kernel>& select(std::span<const Entry<Kernel>> entries, Isa level) {
  for (const Entry<Kernel>& entry : entries)
    if (isa_allows(level, entry.isa)) return entry;
  return entries.back();
}

// The name of a kernel that a driver chose by itself.
template <typename Kernel>
const char* name_of(std::span<const Entry<Kernel>> entries, const Kernel* kernel) {
  for (const Entry<Kernel>& entry : entries)
    if (entry.kernel == kernel) return entry.name;
  return "unknown";
}

}  // namespace octet::kernels

#if defined(__x86_64__)
#define OCTET_IF_X86(...) __VA_ARGS__
#define OCTET_IF_ARM(...)
#elif defined(__aarch64__)
#define OCTET_IF_X86(...)
#define OCTET_IF_ARM(...) __VA_ARGS__
#else
#define OCTET_IF_X86(...)
#define OCTET_IF_ARM(...)
#endif
