// A single TensorProto in a file of its own, as ONNX's test data has them.
#pragma once

#include <string>

#include "octet/tensor.h"

namespace octet {

struct TensorFile {
  std::string name;   // often empty
  Tensor tensor;      // aligned
};

// Throws Error that names the file.
TensorFile read_tensor_file(const std::string& path);

}  // namespace octet
