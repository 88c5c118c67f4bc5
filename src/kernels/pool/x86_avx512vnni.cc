#include "kernels/pool/wide.h"

namespace octet::kernels::pool {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::pool
