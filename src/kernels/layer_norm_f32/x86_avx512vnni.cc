#include "kernels/layer_norm_f32/wide.h"

namespace octet::kernels::layer_norm_f32 {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::layer_norm_f32
