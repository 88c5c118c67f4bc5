#include "kernels/dequantize/wide.h"

namespace octet::kernels::dequantize {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::dequantize
