#include "kernels/epilogue_int8/wide.h"

namespace octet::kernels::epilogue_int8 {

const Kernel arm_neon = kWide<OneByOne>;

}  // namespace octet::kernels::epilogue_int8
