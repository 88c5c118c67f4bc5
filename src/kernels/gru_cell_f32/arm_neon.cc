#include "kernels/gru_cell_f32/wide.h"

namespace octet::kernels::gru_cell_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::gru_cell_f32
