#include "kernels/epilogue_int8/wide.h"

namespace octet::kernels::epilogue_int8 {

const Kernel x86_avx2 = kWide<OneByOne>;

}  // namespace octet::kernels::epilogue_int8
