// A few words about output tensors: what `octet run` prints. Used by both executables, so without fmt and JSON libraries.
#pragma once

#include <string>

#include "octet/arrays.h"

namespace octet {

// One line per output: name, type, shape, least, largest and mean value.
std::string outputs_as_table(const NamedTensors& outputs);
// {"outputs": [{"name", "dtype", "shape", "min", "max", "mean"}]}; values that JSON lacks (NaN, infinities) are null.
std::string outputs_as_json(const NamedTensors& outputs);

}  // namespace octet
