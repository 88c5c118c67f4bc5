#include "kernels/resize/wide.h"

namespace octet::kernels::resize {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::resize
