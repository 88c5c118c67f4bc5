#include "kernels/affine_f32/wide.h"

namespace octet::kernels::affine_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::affine_f32
