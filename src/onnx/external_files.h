// Which other files a model's weights lie in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace octet {

// The paths of the external data files that the tensors of the ONNX file `path` name, each once, sorted; also those that are missing.
// What is no ONNX model, or a damaged one, names none.
std::vector<std::string> external_files(const std::string& path);

// Bytes of the file and of the external data files that exist; 0 where there is no file.
int64_t model_file_bytes(const std::string& path);

}  // namespace octet
