#include "kernels/quantize/wide.h"

namespace octet::kernels::quantize {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::quantize
