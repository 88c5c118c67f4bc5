#include "kernels/winograd_f32/wide.h"

namespace octet::kernels::winograd_f32 {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::winograd_f32
