#include "kernels/binary_int8/wide.h"

namespace octet::kernels::binary_int8 {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::binary_int8
