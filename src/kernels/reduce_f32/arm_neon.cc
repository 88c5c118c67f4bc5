#include "kernels/reduce_f32/wide.h"

namespace octet::kernels::reduce_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::reduce_f32
