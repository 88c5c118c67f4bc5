#include "kernels/dequantize/wide.h"

namespace octet::kernels::dequantize {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::dequantize
