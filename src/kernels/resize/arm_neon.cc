#include "kernels/resize/wide.h"

namespace octet::kernels::resize {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::resize
