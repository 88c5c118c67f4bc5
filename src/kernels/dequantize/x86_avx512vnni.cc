#include "kernels/dequantize/wide.h"

namespace octet::kernels::dequantize {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::dequantize
