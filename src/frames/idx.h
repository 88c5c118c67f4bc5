// The idx files of MNIST: a big-endian header, then an array; often gzipped.
#pragma once

#include <string>
#include <string_view>

#include "octet/tensor.h"

namespace octet {

// "….idx3-ubyte", "….idx1-ubyte.gz", "….idx" …
bool is_idx_path(std::string_view path);
// The whole array, decompressed where the file is gzipped. Throws Error naming the file.
Tensor read_idx(const std::string& path);

}  // namespace octet
