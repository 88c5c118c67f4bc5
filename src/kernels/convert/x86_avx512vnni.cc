#include "kernels/convert/x86_f16c.h"

namespace octet::kernels::convert {

const Kernel x86_avx512vnni = kLevel;

}  // namespace octet::kernels::convert
