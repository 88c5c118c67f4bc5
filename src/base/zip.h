// Reading zip archives (stored and deflated members, zip64) and writing them (stored). Nothing is ever extracted to
// the file system; every offset and size is checked against the file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace octet {

struct ZipEntry {
  std::string name;
  uint64_t size = 0;              // decompressed
  uint64_t compressed_size = 0;
  uint64_t header_offset = 0;
  uint32_t crc = 0;
  uint16_t method = 0;            // 0 stored, 8 deflated
};

class ZipReader {
 public:
  // Throws Error naming the file when it is not a zip archive or damaged.
  static ZipReader open(const std::string& path);
  // `keep_alive` owns `bytes`; `path` is named in errors.
  ZipReader(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive, std::string path);

  const std::string& path() const { return path_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;   // the last of equals, as Python's zipfile does

  struct Contents {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> keep_alive;
  };
  // A view for stored members, decompressed memory for others; the CRC is checked. At most `limit` bytes.
  Contents read(const ZipEntry& entry, uint64_t limit = uint64_t{1} << 40) const;

 private:
  void read_directory();

  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> keep_alive_;
  std::string path_;
  std::vector<ZipEntry> entries_;
};

// Members appear in the order of `add`; the file appears with `finish`. Archives beyond 4 GB are refused.
class ZipWriter {
 public:
  explicit ZipWriter(std::string path) : file_(std::move(path)) {}
  // The member's contents are the parts one after another; they start at a multiple of `alignment`, a power of two
  // (through padding in the header).
  void add(const std::string& name, std::span<const std::span<const std::byte>> parts, size_t alignment = 64);
  void finish();

 private:
  AtomicFile file_;
  std::vector<ZipEntry> entries_;
};

}  // namespace octet
