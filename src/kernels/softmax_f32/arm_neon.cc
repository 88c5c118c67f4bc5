#include "kernels/softmax_f32/wide.h"

namespace octet::kernels::softmax_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::softmax_f32
