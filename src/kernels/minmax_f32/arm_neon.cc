#include "kernels/minmax_f32/wide.h"

namespace octet::kernels::minmax_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::minmax_f32
