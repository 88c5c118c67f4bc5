#include "onnx/writer.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "onnx/serializer.h"

namespace octet {

namespace {

constexpr int64_t kProtocolBufferLimit = INT32_MAX;

void write_pieces(AtomicFile& file, const onnx::Pieces& pieces) {
  for (const onnx::Pieces::Piece& piece : pieces.list()) {
    file.write(piece.own.data(), piece.own.size());
    if (piece.viewed.is_defined()) file.write(piece.viewed.raw(), piece.viewed.bytes());
  }
}

void write_external(AtomicFile& file, const std::vector<onnx::Serializer::ExternalTensor>& tensors) {
  constexpr char zeros[64] = {};
  for (const auto& [tensor, offset] : tensors) {
    while (file.size() < static_cast<size_t>(offset)) file.write(zeros, std::min(sizeof zeros, static_cast<size_t>(offset) - file.size()));
    file.write(tensor.raw(), tensor.bytes());
  }
}

void write(const Model& model, const std::string& path, const WriteOptions& options) {
  std::string data_name = text(path.substr(path.rfind('/') + 1), ".data");   // npos + 1 is 0
  onnx::Serializer inline_serializer(model, -1, data_name);
  onnx::Pieces pieces = inline_serializer.run();
  if (static_cast<int64_t>(pieces.size()) <= options.max_bytes) {
    AtomicFile file(path);
    write_pieces(file, pieces);
    file.commit();
    return;
  }
  onnx::Serializer serializer(model, options.min_external_bytes, data_name);
  pieces = serializer.run();
  require(static_cast<int64_t>(pieces.size()) <= kProtocolBufferLimit, ErrorCode::kResourceLimit, "the model has ", pieces.size(),
          " bytes even without its weights; a protocol buffer ends at 2 GB");
  AtomicFile data(text(path, ".data")), file(path);
  write_external(data, serializer.external());
  write_pieces(file, pieces);
  // The data first: a model must never be there without it.
  data.commit();
  file.commit();
}

}  // namespace

void write_model(const Model& model, const std::string& path, const WriteOptions& options) {
  try {
    write(model, path, options);
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

std::string model_bytes(const Model& model) {
  onnx::Pieces pieces = onnx::Serializer(model, -1, {}).run();
  require(static_cast<int64_t>(pieces.size()) <= kProtocolBufferLimit, ErrorCode::kResourceLimit, "the model has ", pieces.size(),
          " bytes; a protocol buffer ends at 2 GB");
  return pieces.joined();
}

}  // namespace octet
