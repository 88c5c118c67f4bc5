#include "frames/idx.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/inflate.h"
#include "base/mapped_file.h"

namespace octet {

bool is_idx_path(std::string_view path) {
  std::string name = std::filesystem::path(path).filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (name.ends_with(".idx")) return true;
  for (char rank = '1'; rank <= '4'; ++rank) {
    std::string part = std::string("idx") + rank + "-";
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

std::string find_idx(const std::string& folder, std::string_view word) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string path = entry.path().string();
    if (!entry.is_regular_file() || !is_idx_path(path) ||
        entry.path().filename().string().find(word) == std::string::npos)
      continue;
    if (!found.empty())
      throw Error(ErrorCode::kInvalidArgument, text("several idx files of ", word, " are in it"), "name one of them")
          .with_file(folder);
    found = path;
  }
  return found;
}

Tensor read_idx(const std::string& path) {
  constexpr size_t kLimit = size_t{4} << 30;
  auto file = MappedFile::open(path);
  try {
    std::span<const std::byte> bytes = file->bytes();
    std::vector<std::byte> plain;
    if (bytes.size() > 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B}) {
      plain = gunzip(bytes, kLimit);
      bytes = plain;
    }
    auto byte = [&](size_t i) { return static_cast<uint32_t>(bytes[i]); };
    require(bytes.size() >= 4 && byte(0) == 0 && byte(1) == 0, ErrorCode::kInvalidModel, "is not an idx file");
    DType dtype = DType::kUndefined;
    switch (byte(2)) {
      case 0x08: dtype = DType::kUInt8; break;
      case 0x09: dtype = DType::kInt8; break;
      case 0x0B: dtype = DType::kInt16; break;
      case 0x0C: dtype = DType::kInt32; break;
      case 0x0D: dtype = DType::kFloat32; break;
      case 0x0E: dtype = DType::kFloat64; break;
      default: fail(ErrorCode::kInvalidModel, "is not an idx file: element type ", byte(2));
    }
    size_t rank = byte(3), begin = 4 + rank * 4;
    require(rank >= 1 && rank <= 8 && bytes.size() >= begin, ErrorCode::kInvalidModel, "the idx header is damaged");
    Shape shape;
    for (size_t axis = 0; axis < rank; ++axis) {
      size_t at = 4 + axis * 4;
      shape.push_back(byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3));
    }
    auto width = static_cast<size_t>(dtype_bits(dtype)) / 8;
    require(static_cast<size_t>(shape.elements()) <= (bytes.size() - begin) / width, ErrorCode::kInvalidModel,
            "the file is cut off: an array of ", shape, " does not fit");
    Tensor tensor(dtype, shape);
    auto* out = static_cast<unsigned char*>(tensor.raw());
    std::memcpy(out, bytes.data() + begin, tensor.bytes());
    if (width > 1)
      for (size_t i = 0; i < tensor.bytes(); i += width) std::reverse(out + i, out + i + width);
    return tensor;
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

}  // namespace octet
