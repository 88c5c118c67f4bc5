#include "onnx/tensor_file.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "onnx/tensor.h"
#include "onnx/wire.h"

namespace octet {

TensorFile read_tensor_file(const std::string& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  onnx::DataSource source;
  source.keep_alive = file;
  try {
    onnx::NamedTensor named = onnx::read_tensor(file->view(), source);
    return {std::string(named.name), named.tensor.aligned()};
  } catch (const Error& error) {
    throw error.with_file(path);
  } catch (const protozero::exception& error) {
    throw Error(ErrorCode::kInvalidModel, text("the file is damaged or truncated, or holds no tensor: ", error.what())).with_file(path);
  }
}

}  // namespace octet
