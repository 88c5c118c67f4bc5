#include "kernels/quantize/wide.h"

namespace octet::kernels::quantize {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::quantize
