// Compares an output with what a test expects.
#pragma once

#include <string>

#include "octet/tensor.h"

namespace octet::conformance {

struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;   // as ONNX's own runner
  double of_largest = 0;                     // more absolute tolerance: this share of the largest expected magnitude
  // 8-bit integers: all but this share of the elements (and one element in small tensors) are equal, and those are off by one.
  double off_by_one = 0;
};

// Empty when `actual` is as expected; else what differs. Types and shapes must agree, integers exactly (but see off_by_one), floats within the
// tolerance (widened to two units of precision for the 16-bit types), NaN and infinity where expected.
std::string difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance);

}  // namespace octet::conformance
