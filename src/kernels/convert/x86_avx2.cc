#include "kernels/convert/x86_f16c.h"

namespace octet::kernels::convert {

const Kernel x86_avx2 = kLevel;

}  // namespace octet::kernels::convert
