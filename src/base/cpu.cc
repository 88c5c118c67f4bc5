#include "base/cpu.h"

#include <cstdlib>
#include <vector>

#include <sched.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "base/error.h"

namespace octet {

namespace {

constexpr const char* kNames[] = {"reference", "avx2", "avxvnni", "avx512vnni", "amx", "neon", "dotprod", "i8mm"};

#if defined(__x86_64__)

struct Cpuid { unsigned a = 0, b = 0, c = 0, d = 0; };

Cpuid cpuid(unsigned leaf, unsigned subleaf) {
  Cpuid r;
  if (!__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d)) return {};
  return r;
}

bool bit(unsigned word, int index) { return (word >> index) & 1u; }

// Linux gives a process the large tile registers only when it asks.
bool request_tile_permission() {
  constexpr long kArchReqXcompPerm = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kTileData) == 0;
}

uint32_t detect() {
  uint32_t found = 1u << static_cast<int>(Isa::kReference);
  Cpuid one = cpuid(1, 0), seven = cpuid(7, 0), seven1 = cpuid(7, 1);
  if (!bit(one.c, 27)) return found;   // OSXSAVE
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  bool ymm = (low & 0x6) == 0x6, zmm = (low & 0xe6) == 0xe6, tiles = (low & 0x60000) == 0x60000;
  bool avx2 = ymm && bit(one.c, 28) && bit(one.c, 12) && bit(one.c, 29) && bit(seven.b, 5) && bit(seven.b, 8);
  if (!avx2) return found;
  found |= 1u << static_cast<int>(Isa::kAvx2);
  if (bit(seven1.a, 4)) found |= 1u << static_cast<int>(Isa::kAvxVnni);
  bool avx512vnni = zmm && bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 30) && bit(seven.b, 31) && bit(seven.c, 11);
  if (!avx512vnni) return found;
  found |= 1u << static_cast<int>(Isa::kAvx512Vnni);
  // AVX-512 VBMI comes with every processor that has tiles; kernels of this level use it.
  if (tiles && bit(seven.c, 1) && bit(seven.d, 22) && bit(seven.d, 24) && bit(seven.d, 25) && request_tile_permission())
    found |= 1u << static_cast<int>(Isa::kAmx);
  return found;
}

#elif defined(__aarch64__)

uint32_t detect() {
  uint32_t found = (1u << static_cast<int>(Isa::kReference)) | (1u << static_cast<int>(Isa::kNeon));
  if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) found |= 1u << static_cast<int>(Isa::kDotprod);
  if (getauxval(AT_HWCAP2) & HWCAP2_I8MM) found |= 1u << static_cast<int>(Isa::kI8mm);
  return found;
}

#else

uint32_t detect() { return 1u << static_cast<int>(Isa::kReference); }

#endif

uint32_t features() {
  static const uint32_t found = detect();
  return found;
}

int64_t cache_or(int name, int64_t fallback) {
  long size = sysconf(name);
  return size > 0 ? size : fallback;
}

}  // namespace

const char* isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

Isa isa_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<Isa>(i);
  throw Error(ErrorCode::kInvalidArgument, text("unknown instruction set level '", name, "'"),
              "known levels: reference, avx2, avxvnni, avx512vnni, amx, neon, dotprod, i8mm");
}

bool isa_supported(Isa isa) { return (features() >> static_cast<int>(isa)) & 1u; }

std::span<const Isa> supported_isas() {
  static const std::vector<Isa> list = [] {
    std::vector<Isa> all;
    for (size_t i = 0; i < std::size(kNames); ++i)
      if (isa_supported(static_cast<Isa>(i))) all.push_back(static_cast<Isa>(i));
    return all;
  }();
  return list;
}

Isa active_isa() {
  const char* forced = std::getenv("OCTET_ISA");
  if (forced == nullptr || *forced == '\0') return supported_isas().back();
  Isa isa = isa_from_name(forced);
  if (!isa_supported(isa)) {
    throw Error(ErrorCode::kUnsupported, text("OCTET_ISA asks for '", forced, "', which this machine lacks"),
                text("the best level here is '", isa_name(supported_isas().back()), "'"));
  }
  return isa;
}

bool isa_allows(Isa level, Isa kernel) { return kernel <= level && isa_supported(kernel); }

CacheSizes cache_sizes() {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  return {cache_or(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), cache_or(_SC_LEVEL2_CACHE_SIZE, 512 << 10),
          cache_or(_SC_LEVEL3_CACHE_SIZE, 2 << 20)};
#else
  return {32 << 10, 512 << 10, 2 << 20};
#endif
}

int hardware_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

}  // namespace octet
