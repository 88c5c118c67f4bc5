// The idx files of MNIST: a big-endian header, then an array; often gzipped.
#pragma once

#include <string>
#include <string_view>

#include "octet/tensor.h"

namespace octet {

// "….idx3-ubyte", "….idx1-ubyte.gz", "….idx" …
bool is_idx_path(std::string_view path);
// The idx file in a folder whose name holds `word` ("images", "labels"); empty where there is none, Error where there
// are several (MNIST's train and t10k side by side).
std::string find_idx(const std::string& folder, std::string_view word);
// The whole array, decompressed where the file is gzipped. Throws Error naming the file.
Tensor read_idx(const std::string& path);

}  // namespace octet
