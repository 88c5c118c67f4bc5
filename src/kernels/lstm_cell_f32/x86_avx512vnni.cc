#include "kernels/lstm_cell_f32/wide.h"

namespace octet::kernels::lstm_cell_f32 {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::lstm_cell_f32
