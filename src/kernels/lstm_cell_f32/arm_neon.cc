#include "kernels/lstm_cell_f32/wide.h"

namespace octet::kernels::lstm_cell_f32 {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::lstm_cell_f32
