#include "kernels/quantize/wide.h"

namespace octet::kernels::quantize {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::quantize
