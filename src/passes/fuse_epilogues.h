// Moves what stands behind an integer product into its epilogue.
#pragma once

#include "passes/pass.h"

namespace octet {

int fuse_epilogues(Graph&, const PassOptions&);   // integer product + QLinearAdd, or + activation + QuantizeLinear

}  // namespace octet
