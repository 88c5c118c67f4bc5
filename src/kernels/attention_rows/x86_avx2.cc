#include "kernels/attention_rows/wide.h"

namespace octet::kernels::attention_rows {

const Kernel x86_avx2 = kWide;

}  // namespace octet::kernels::attention_rows
