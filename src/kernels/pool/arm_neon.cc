#include "kernels/pool/wide.h"

namespace octet::kernels::pool {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::pool
