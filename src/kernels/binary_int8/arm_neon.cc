#include "kernels/binary_int8/wide.h"

namespace octet::kernels::binary_int8 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::binary_int8
