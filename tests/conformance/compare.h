// Compares an output with what a test expects.
#pragma once

#include <string>

#include "octet/tensor.h"

namespace octet::conformance {

struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;   // as ONNX's own runner
  double of_largest = 0;                     // more absolute tolerance: this share of the largest expected magnitude
  int integer_steps = 0;                     // how far 8-bit integers may be off
};

// Empty when `actual` is as expected; else what differs. Types and shapes must agree, integers exactly, floats within the
// tolerance (widened to two units of precision for the 16-bit types), NaN and infinity where expected.
std::string difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance);

}  // namespace octet::conformance
