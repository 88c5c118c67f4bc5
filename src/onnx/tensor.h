// TensorProto and SparseTensorProto.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "octet/tensor.h"
#include "onnx/reader.h"

namespace octet::onnx {

// Where the bytes of tensors come from.
struct DataSource {
  std::shared_ptr<const void> keep_alive;   // owns the bytes of the message
  bool has_folder = false;                  // whether external data can be looked for
  std::string folder;                       // beside the model; empty: the current one
  ReadOptions options;
  int64_t expanded_bytes = 0;               // of the sparse tensors made dense so far
  std::map<std::string, std::shared_ptr<const MappedFile>, std::less<>> files;   // external data files, by location
};

struct NamedTensor {
  std::string_view name;
  Tensor tensor;   // a view of the source's bytes where the encoding allows; may be misaligned
};

NamedTensor read_tensor(std::string_view message, DataSource& source);
NamedTensor read_sparse_tensor(std::string_view message, DataSource& source);   // made dense

// A checked element type. Throws Error(kUnsupported) for strings, complex numbers and unknown types; `what` names the owner.
DType checked_dtype(int64_t code, std::string_view what);

}  // namespace octet::onnx
