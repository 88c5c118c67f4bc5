#include "base/zip.h"

#include <cstring>

#include "base/error.h"
#include "base/inflate.h"

namespace octet {

namespace {

constexpr uint32_t kLocalHeader = 0x04034B50, kCentralHeader = 0x02014B50, kEnd = 0x06054B50;
constexpr uint32_t kEnd64 = 0x06064B50, kEnd64Locator = 0x07064B50;
constexpr uint64_t kLimit32 = 0xFFFFFFFF;
constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56;

// Little-endian fields at checked positions.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint64_t at(uint64_t position, int width) const {
    check(position, static_cast<uint64_t>(width));
    uint64_t value = 0;
    for (int i = 0; i < width; ++i)
      value |= static_cast<uint64_t>(bytes_[static_cast<size_t>(position) + static_cast<size_t>(i)]) << (8 * i);
    return value;
  }
  uint16_t u16(uint64_t position) const { return static_cast<uint16_t>(at(position, 2)); }
  uint32_t u32(uint64_t position) const { return static_cast<uint32_t>(at(position, 4)); }
  uint64_t u64(uint64_t position) const { return at(position, 8); }
  void check(uint64_t position, uint64_t size) const {
    require(position <= bytes_.size() && size <= bytes_.size() - position, ErrorCode::kInvalidModel,
            "the zip archive is damaged or cut off");
  }
  uint64_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

// The end record lies within the last 64 kB: a comment may follow it.
uint64_t find_end(const Fields& fields) {
  require(fields.size() >= kEndSize, ErrorCode::kInvalidModel, "is not a zip archive");
  uint64_t last = fields.size() - kEndSize;
  uint64_t first = last > 0xFFFF ? last - 0xFFFF : 0;
  for (uint64_t position = last + 1; position-- > first;)
    if (fields.u32(position) == kEnd && fields.u16(position + 20) <= fields.size() - position - kEndSize)
      return position;
  fail(ErrorCode::kInvalidModel, "is not a zip archive, or its end is cut off");
}

void read_zip64_extra(const Fields& fields, uint64_t extra, uint64_t extra_end, ZipEntry& entry) {
  while (extra + 4 <= extra_end) {
    uint16_t tag = fields.u16(extra), size = fields.u16(extra + 2);
    uint64_t at = extra + 4, end = at + size;
    require(end <= extra_end, ErrorCode::kInvalidModel, "the zip archive is damaged: an extra field is too long");
    extra = end;
    if (tag != 1) continue;
    for (uint64_t* field : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
      if (*field != kLimit32) continue;
      require(at + 8 <= end, ErrorCode::kInvalidModel, "the zip archive is damaged: a 64-bit size is missing");
      *field = fields.u64(at);
      at += 8;
    }
  }
}

void append(std::string& out, uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 255);
}

constexpr uint16_t kUtf8Name = 1 << 11;
constexpr uint32_t kDosTime = 33u << 16;   // 1980-01-01: archives of equal contents are equal files

}  // namespace

ZipReader ZipReader::open(const std::string& path) {
  auto file = MappedFile::open(path);
  return ZipReader(file->bytes(), file, path);
}

ZipReader::ZipReader(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive, std::string path)
    : bytes_(bytes), keep_alive_(std::move(keep_alive)), path_(std::move(path)) {
  try {
    read_directory();
  } catch (const Error& error) {
    throw error.with_file(path_);
  }
}

void ZipReader::read_directory() {
  Fields fields(bytes_);
  uint64_t end = find_end(fields);
  uint64_t count = fields.u16(end + 10), at = fields.u32(end + 16);
  if (end >= kLocatorSize && fields.u32(end - kLocatorSize) == kEnd64Locator) {
    uint64_t end64 = fields.u64(end - kLocatorSize + 8);
    fields.check(end64, kEnd64Size);
    require(fields.u32(end64) == kEnd64, ErrorCode::kInvalidModel,
            "the zip archive is damaged: its 64-bit end is missing");
    count = fields.u64(end64 + 32);
    at = fields.u64(end64 + 48);
  }
  require(count <= fields.size() / kCentralSize, ErrorCode::kInvalidModel, "the zip archive is damaged: ", count,
          " members");
  entries_.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    fields.check(at, kCentralSize);
    require(fields.u32(at) == kCentralHeader, ErrorCode::kInvalidModel, "the zip archive's directory is damaged");
    ZipEntry entry;
    uint16_t flags = fields.u16(at + 8);
    entry.method = fields.u16(at + 10);
    entry.crc = fields.u32(at + 16);
    entry.compressed_size = fields.u32(at + 20);
    entry.size = fields.u32(at + 24);
    entry.header_offset = fields.u32(at + 42);
    uint64_t name_size = fields.u16(at + 28), extra_size = fields.u16(at + 30), comment_size = fields.u16(at + 32);
    uint64_t name = at + kCentralSize;
    fields.check(name, name_size + extra_size + comment_size);
    entry.name.assign(reinterpret_cast<const char*>(bytes_.data()) + name, static_cast<size_t>(name_size));
    read_zip64_extra(fields, name + name_size, name + name_size + extra_size, entry);
    require((flags & 1) == 0, ErrorCode::kUnsupported, "the member '", entry.name, "' is encrypted");
    at = name + name_size + extra_size + comment_size;
    entries_.push_back(std::move(entry));
  }
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  for (size_t i = entries_.size(); i-- > 0;)
    if (entries_[i].name == name) return &entries_[i];
  return nullptr;
}

ZipReader::Contents ZipReader::read(const ZipEntry& entry, uint64_t limit) const {
  try {
    Fields fields(bytes_);
    fields.check(entry.header_offset, kLocalSize);
    uint64_t at = entry.header_offset;
    require(fields.u32(at) == kLocalHeader, ErrorCode::kInvalidModel,
            "the zip archive is damaged: a member does not start where it should");
    at += kLocalSize + fields.u16(at + 26) + fields.u16(at + 28);
    fields.check(at, entry.compressed_size);
    auto data = bytes_.subspan(static_cast<size_t>(at), static_cast<size_t>(entry.compressed_size));
    require(entry.size <= limit, ErrorCode::kResourceLimit, "the member is larger than ", limit, " bytes");
    Contents contents{data, keep_alive_};
    if (entry.method == 8) {
      require(entry.size <= inflate_bound(data.size()), ErrorCode::kInvalidModel,
              "the zip archive is damaged: ", data.size(), " bytes cannot become ", entry.size);
      auto memory = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(entry.size));
      inflate(data, *memory);
      contents = {*memory, memory};
    } else {
      require(entry.method == 0, ErrorCode::kUnsupported, "the compression method ", static_cast<int>(entry.method),
              " is not supported");
      require(entry.size == entry.compressed_size, ErrorCode::kInvalidModel,
              "the zip archive is damaged: the sizes of a stored member differ");
    }
    require(crc32(contents.bytes) == entry.crc, ErrorCode::kInvalidModel,
            "the checksum is wrong: the archive is damaged");
    return contents;
  } catch (const Error& error) {
    throw Error(error.code(), text("member '", entry.name, "': ", error.message()), error.hint()).with_file(path_);
  }
}

void ZipWriter::add(const std::string& name, std::span<const std::span<const std::byte>> parts, size_t alignment) {
  ZipEntry entry;
  entry.name = name;
  entry.header_offset = file_.size();
  for (auto part : parts) {
    entry.crc = crc32(part, entry.crc);
    entry.size += part.size();
  }
  entry.compressed_size = entry.size;
  require(entry.header_offset + entry.size < kLimit32 - (1 << 24) && entries_.size() < 0xFFFF && name.size() < 0xFFFF,
          ErrorCode::kResourceLimit, "a zip archive of more than 4 GB or 65535 members is not written");
  // Padding is an extra field of its own (tag 0x4F50), at least its 4 header bytes long.
  size_t unpadded = static_cast<size_t>(entry.header_offset) + kLocalSize + name.size();
  size_t extra = unpadded % alignment == 0 ? 0 : 4;
  if (extra) extra += (alignment - (unpadded + extra) % alignment) % alignment;
  std::string header;
  append(header, kLocalHeader, 4);
  append(header, 20, 2);
  append(header, kUtf8Name, 2);
  append(header, 0, 2);
  append(header, kDosTime, 4);
  append(header, entry.crc, 4);
  append(header, entry.compressed_size, 4);
  append(header, entry.size, 4);
  append(header, name.size(), 2);
  append(header, extra, 2);
  header += name;
  if (extra) {
    append(header, 0x4F50, 2);
    append(header, extra - 4, 2);
    header.append(extra - 4, '\0');
  }
  file_.write(header.data(), header.size());
  for (auto part : parts) file_.write(part.data(), part.size());
  entries_.push_back(std::move(entry));
}

void ZipWriter::finish() {
  std::string directory;
  for (const ZipEntry& entry : entries_) {
    append(directory, kCentralHeader, 4);
    append(directory, 20, 2);
    append(directory, 20, 2);
    append(directory, kUtf8Name, 2);
    append(directory, 0, 2);
    append(directory, kDosTime, 4);
    append(directory, entry.crc, 4);
    append(directory, entry.compressed_size, 4);
    append(directory, entry.size, 4);
    append(directory, entry.name.size(), 2);
    append(directory, 0, 8);
    append(directory, 0, 4);
    append(directory, entry.header_offset, 4);
    directory += entry.name;
  }
  uint64_t offset = file_.size(), size = directory.size();
  require(offset + size < kLimit32, ErrorCode::kResourceLimit, "a zip archive of more than 4 GB is not written");
  append(directory, kEnd, 4);
  append(directory, 0, 4);
  append(directory, entries_.size(), 2);
  append(directory, entries_.size(), 2);
  append(directory, size, 4);
  append(directory, offset, 4);
  append(directory, 0, 2);
  file_.write(directory.data(), directory.size());
  file_.commit();
}

}  // namespace octet
