#include "kernels/winograd_f32/wide.h"

namespace octet::kernels::winograd_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::winograd_f32
