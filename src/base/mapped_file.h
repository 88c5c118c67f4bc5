// A file mapped read-only into memory. Views into it live as long as the shared pointer does. At least 64 bytes behind its end are
// readable (zeros), as behind every tensor's memory.
// A file that another process truncates while it is mapped ends the program (SIGBUS): a property of mapping.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace octet {

class MappedFile {
 public:
  // Throws Error (kNotFound, kInputOutput) naming the file.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // For a file that will be read whole: starts to read what the page cache lacks, in order and in large pieces, and returns at once.
  // Page by page, as faults do it, a disk gives a fraction of what it can.
  void read_ahead() const;

 private:
  MappedFile(std::string path, const std::byte* data, size_t size) : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_;
  size_t size_;
};

// Maps the pages of a range at once, instead of by a fault for every few of them. A hint: fails in silence.
void bring_in(std::span<const std::byte> range);

// A file that appears under its name only when it is complete: bytes go to "NAME.PID.octet.tmp" beside it, `commit`
// flushes, closes and renames. Without `commit` the destructor removes the temporary file and an older file stays.
// A link is followed, and what is no file (a device, a pipe) is written to directly.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);   // throws Error (kInputOutput), for instance when the disk is full
  void commit();
  size_t size() const { return size_; }        // bytes written so far

 private:
  std::string path_, temporary_;   // the latter empty: written directly
  int descriptor_ = -1;
  size_t size_ = 0;
};

}  // namespace octet
