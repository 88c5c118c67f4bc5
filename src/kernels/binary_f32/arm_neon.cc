#include "kernels/binary_f32/wide.h"

namespace octet::kernels::binary_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::binary_f32
