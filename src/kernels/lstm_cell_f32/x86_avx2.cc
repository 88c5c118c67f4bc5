#include "kernels/lstm_cell_f32/wide.h"

namespace octet::kernels::lstm_cell_f32 {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::lstm_cell_f32
