#include "onnx/external_files.h"

#include <sys/stat.h>

#include <set>

#include "base/mapped_file.h"
#include "onnx/wire.h"

namespace octet {

namespace {

using onnx::Fields;

constexpr int kMostDepth = 200;   // of bodies within bodies: deeper models are not read either

// Where messages that may hold tensors lie: field numbers of onnx.proto.
enum class Kind { kModel, kFunction, kGraph, kNode, kAttribute, kSparse, kTensor, kNone };
Kind kind_of_field(Kind message, uint32_t field) {
  switch (message) {
    case Kind::kModel: return field == 7 ? Kind::kGraph : field == 25 ? Kind::kFunction : Kind::kNone;
    case Kind::kFunction: return field == 7 ? Kind::kNode : field == 11 ? Kind::kAttribute : Kind::kNone;
    case Kind::kGraph: return field == 1 ? Kind::kNode : field == 5 ? Kind::kTensor : field == 15 ? Kind::kSparse : Kind::kNone;
    case Kind::kNode: return field == 5 ? Kind::kAttribute : Kind::kNone;
    case Kind::kAttribute:
      return field == 5 || field == 10 ? Kind::kTensor : field == 6 || field == 11 ? Kind::kGraph : field == 22 || field == 23 ? Kind::kSparse : Kind::kNone;
    case Kind::kSparse: return field == 1 || field == 2 ? Kind::kTensor : Kind::kNone;
    default: return Kind::kNone;
  }
}

void collect_from_tensor(std::string_view message, std::set<std::string>& locations) {
  constexpr uint32_t kExternalData = 13, kDataLocation = 14;
  bool external = false;
  std::string location;
  for (Fields fields(message); fields.next();) {
    if (fields.tag() == kDataLocation) {
      external = fields.integer() == 1;
    } else if (fields.tag() == kExternalData) {
      std::string_view key, value;
      for (Fields entry(fields.bytes()); entry.next();) {
        if (entry.tag() == 1) key = entry.bytes();
        else if (entry.tag() == 2) value = entry.bytes();
        else entry.skip();
      }
      if (key == "location") location = value;
    } else {
      fields.skip();
    }
  }
  if (external && !location.empty()) locations.insert(location);
}

void collect(Kind kind, std::string_view message, int depth, std::set<std::string>& locations) {
  if (kind == Kind::kTensor) return collect_from_tensor(message, locations);
  if (depth > kMostDepth) return;
  for (Fields fields(message); fields.next();) {
    Kind inner = kind_of_field(kind, fields.tag());
    if (inner == Kind::kNone) fields.skip();
    else collect(inner, fields.bytes(), depth + 1, locations);
  }
}

}  // namespace

std::vector<std::string> external_files(const std::string& path) {
  std::set<std::string> locations;
  try {
    auto file = MappedFile::open(path);
    if (file->view().size() <= UINT32_MAX) collect(Kind::kModel, file->view(), 0, locations);
  } catch (const Error&) {
    return {};
  } catch (const protozero::exception&) {
    return {};
  }
  size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::vector<std::string> files;
  for (const std::string& location : locations) files.push_back(folder + location);
  return files;
}

int64_t model_file_bytes(const std::string& path) {
  int64_t bytes = 0;
  auto add = [&](const std::string& file) {
    struct stat status;
    if (stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)) bytes += static_cast<int64_t>(status.st_size);
  };
  add(path);
  for (const std::string& file : external_files(path)) add(file);
  return bytes;
}

}  // namespace octet
