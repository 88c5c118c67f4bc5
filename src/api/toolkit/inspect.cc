#include "measure/inspect.h"

#include "api/toolkit/job.h"
#include "onnx/external_files.h"
#include "onnx/reader.h"

namespace octet {

InspectResult inspect(const std::string& path, const InspectOptions& options) {
  InspectResult result = inspect_model(read_model(path), options);
  result.file_bytes = model_file_bytes(path);
  return result;
}

}  // namespace octet
