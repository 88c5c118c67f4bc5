// Numbers of one type as another: what stands between a data file and a model's input type.
#pragma once

#include <string>

#include "octet/tensor.h"

namespace octet {

// The same values as `wanted`. Integers become floats, floats other floats, integers other integers that hold every
// value given (Error otherwise, naming `what`); floats never silently become integers.
Tensor convert_tensor(const Tensor& tensor, DType wanted, const std::string& what);

// How many elements are NaN or infinite; 0 for integers.
int64_t count_not_finite(const Tensor& tensor);

}  // namespace octet
