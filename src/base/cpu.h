// What the processor can do, and the level of it that Octet uses.
//
// A level is a row in the order below; a machine supports a level when it has that level's instructions.
// `OCTET_ISA` forces a level for the whole process; forcing one that the machine lacks is an Error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace octet {

enum class Isa : uint8_t {
  kReference = 0,   // portable C++: the definition
  // x86-64
  kAvx2,            // AVX2 + FMA + F16C + BMI2
  kAvxVnni,         // the above + 256-bit AVX-VNNI
  kAvx512Vnni,      // AVX-512 F/BW/DQ/VL + VNNI
  kAmx,             // the above + AMX tiles, int8 and bf16, and VBMI
  // aarch64
  kNeon,            // Cortex-A72: Advanced SIMD
  kDotprod,         // Cortex-A76: SDOT/UDOT
  kI8mm,            // SMMLA/UMMLA
};

const char* isa_name(Isa isa);   // "reference", "avx2", "avxvnni", "avx512vnni", "amx", "neon", "dotprod", "i8mm"

// Throws Error for an unknown name.
Isa isa_from_name(std::string_view name);

// Whether this machine can execute code compiled for `isa`. AMX also needs the kernel's permission, asked for here once.
bool isa_supported(Isa isa);

// All levels this machine supports, kReference first, the best last.
std::span<const Isa> supported_isas();

// The level in force: OCTET_ISA if set (throws Error when unknown or unsupported), else the best supported one.
Isa active_isa();

// Whether a kernel made for `kernel` may run when `level` is in force on this machine: it is not above the level and the
// machine has its instructions (a machine with AVX512-VNNI may lack AVX-VNNI).
bool isa_allows(Isa level, Isa kernel);

struct CacheSizes { int64_t l1_data, l2, l3; };   // bytes; sensible defaults where the system does not say
CacheSizes cache_sizes();

int hardware_threads();   // logical processors this process may run on, at least 1

}  // namespace octet
