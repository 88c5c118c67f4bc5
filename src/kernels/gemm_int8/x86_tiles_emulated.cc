// The tile kernel on emulated tiles: never chosen (a faster kernel of the same level stands before it), always tested.
#include "kernels/gemm_int8/x86_tiles_strided.h"

namespace octet::kernels::gemm_int8 {

const Kernel x86_tiles_emulated = {2 * kTileRows, kColumns, kLanes, kGroup, kStep, InputForm::kEither, 1, run_tiles, pack_row,
                           run_strided};

}  // namespace octet::kernels::gemm_int8
