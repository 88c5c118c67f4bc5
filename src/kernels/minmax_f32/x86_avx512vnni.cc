#include "kernels/minmax_f32/wide.h"

namespace octet::kernels::minmax_f32 {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::minmax_f32
