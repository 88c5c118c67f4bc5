#include "kernels/attention_rows/wide.h"

namespace octet::kernels::attention_rows {

const Kernel arm_neon = kWide;

}  // namespace octet::kernels::attention_rows
