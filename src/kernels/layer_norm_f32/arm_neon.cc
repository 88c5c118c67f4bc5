#include "kernels/layer_norm_f32/wide.h"

namespace octet::kernels::layer_norm_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::layer_norm_f32
