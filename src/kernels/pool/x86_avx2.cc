#include "kernels/pool/wide.h"

namespace octet::kernels::pool {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::pool
