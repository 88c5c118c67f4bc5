#include "onnx/reader.h"

#include <cstring>
#include <new>

#include "base/error.h"
#include "base/mapped_file.h"
#include "graph/operator.h"
#include "onnx/builder.h"
#include "onnx/messages.h"
#include "onnx/wire.h"

namespace octet {

namespace {

// Files that are often taken for models.
void refuse_lookalikes(std::string_view bytes) {
  require(!bytes.empty(), ErrorCode::kInvalidModel, "the file is empty");
  if (bytes.size() > UINT32_MAX)
    throw Error(ErrorCode::kInvalidModel, "the file is larger than any ONNX model can be (protocol buffers end at 2 GB)",
                "store the weights as external data");
  if (bytes.starts_with("version https://git-lfs"))
    throw Error(ErrorCode::kInvalidModel, "this is a Git LFS pointer, not a model", "fetch the model itself: git lfs pull");
  if (bytes.starts_with("PK\x03\x04"))
    throw Error(ErrorCode::kInvalidModel, "this is a zip archive, perhaps a PyTorch checkpoint, not an ONNX model",
                "export the network to ONNX first: torch.onnx.export(model, example_input, \"model.onnx\")");
}

Model read(std::string_view bytes, onnx::DataSource& source, const std::string& path) {
  refuse_lookalikes(bytes);
  onnx::ModelMessage message = onnx::parse_model(bytes);
  require(message.graph.has_value() && message.ir_version > 0, ErrorCode::kInvalidModel,
          "this is not an ONNX model: it has no ", message.graph ? "IR version" : "graph");
  require(message.ir_version <= kNewestIr, ErrorCode::kUnsupported, "unsupported: IR version ", message.ir_version,
          " (Octet reads up to ", kNewestIr, ")");
  require(!message.has_training, ErrorCode::kUnsupported, "unsupported: the model has training information");
  if (auto opset = message.opsets.find(""); opset != message.opsets.end() && opset->second > kNewestOpset)
    throw Error(ErrorCode::kUnsupported, text("unsupported: opset ", opset->second, " of ai.onnx"),
                text("Octet knows opsets up to ", kNewestOpset, ": export the model with one of those"));

  Model model;
  model.path = path;
  model.ir_version = message.ir_version;
  model.producer_name = message.producer_name;
  model.producer_version = message.producer_version;
  model.domain = message.domain;
  model.doc_string = message.doc_string;
  model.model_version = message.model_version;
  model.metadata = std::move(message.metadata);
  model.unknown_fields = std::move(message.unknown);
  model.graph->opsets = message.opsets;

  onnx::GraphBuilder builder(message, source);
  builder.check_operators();
  builder.build(*model.graph);
  return model;
}

Model read_with_name(std::string_view bytes, onnx::DataSource& source, const std::string& path) {
  try {
    return read(bytes, source, path);
  } catch (const Error& error) {
    throw error.with_file(path);
  } catch (const protozero::exception& error) {
    throw Error(ErrorCode::kInvalidModel, text("the file is damaged or truncated, or no ONNX model: ", error.what())).with_file(path);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kResourceLimit, "not enough memory to read the model").with_file(path);
  }
}

}  // namespace

Model read_model(const std::string& path, const ReadOptions& options) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  if (file->view().starts_with("\x8f" "OCTET\r\n"))   // plan/pack_format.h
    throw Error(ErrorCode::kInvalidArgument, "this is a pack, and packs can only be run", "give the model it was made of").with_file(path);
  file->read_ahead();
  onnx::DataSource source;
  source.keep_alive = file;
  source.has_folder = true;
  size_t slash = path.rfind('/');
  source.folder = slash == std::string::npos ? std::string() : slash == 0 ? std::string("/.") : path.substr(0, slash);
  source.options = options;
  return read_with_name(file->view(), source, path);
}

Model read_model_bytes(std::span<const std::byte> bytes, const std::string& name, const ReadOptions& options,
                       std::shared_ptr<const void> keep_alive) {
  onnx::DataSource source;
  source.options = options;
  const void* data = bytes.data();
  if (keep_alive == nullptr && !bytes.empty()) {
    auto copy = std::make_shared<std::vector<std::byte>>();
    copy->reserve(bytes.size() + 64);
    copy->assign(bytes.begin(), bytes.end());
    copy->resize(bytes.size() + 64);   // readable behind the last weight
    data = copy->data();
    keep_alive = std::move(copy);
  }
  source.keep_alive = std::move(keep_alive);
  return read_with_name({static_cast<const char*>(data), bytes.size()}, source, name);
}

}  // namespace octet
