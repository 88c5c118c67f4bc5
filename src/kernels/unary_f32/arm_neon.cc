#include "kernels/unary_f32/wide.h"

namespace octet::kernels::unary_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::unary_f32
