#include "kernels/epilogue_int8/wide.h"

namespace octet::kernels::epilogue_int8 {

const Kernel x86_avx512vnni = kWide;

}  // namespace octet::kernels::epilogue_int8
