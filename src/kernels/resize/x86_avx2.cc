#include "kernels/resize/wide.h"

namespace octet::kernels::resize {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::resize
