#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace octet {

namespace {

[[noreturn]] void fail_system(const std::string& path, const char* what) {
  int code = errno;
  bool missing = code == ENOENT || code == ENOTDIR;
  throw Error(missing ? ErrorCode::kNotFound : ErrorCode::kInputOutput,
              missing ? std::string("there is no such file") : text(what, ": ", std::strerror(code)))
      .with_file(path);
}

// The file's pages and a page of zeros behind them.
size_t mapped_bytes(size_t size) {
  auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page + page;
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);   // opening a pipe must not wait
  if (descriptor < 0) fail_system(path, "cannot be opened");
  struct stat facts;
  if (::fstat(descriptor, &facts) != 0) {
    ::close(descriptor);
    fail_system(path, "cannot be examined");
  }
  if (!S_ISREG(facts.st_mode)) {
    ::close(descriptor);
    throw Error(ErrorCode::kInputOutput, S_ISDIR(facts.st_mode) ? "is a folder, not a file" : "is not a regular file")
        .with_file(path);
  }
  auto size = static_cast<size_t>(facts.st_size);
  void* data = nullptr;
  if (size != 0) {
    // First room for the file and one page more, then the file over its beginning: kernels may load behind the last weight.
    data = ::mmap(nullptr, mapped_bytes(size), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data != MAP_FAILED && ::mmap(data, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor, 0) == MAP_FAILED) {
      int code = errno;
      ::munmap(data, mapped_bytes(size));
      errno = code;
      data = MAP_FAILED;
    }
    if (data == MAP_FAILED) {
      int code = errno;
      ::close(descriptor);
      errno = code;
      fail_system(path, "cannot be mapped");
    }
  }
  ::close(descriptor);
  return std::shared_ptr<const MappedFile>(new MappedFile(path, static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ != 0) ::munmap(const_cast<std::byte*>(data_), mapped_bytes(size_));
}

void MappedFile::read_ahead() const {
  // Asking for pages that are there costs a look at each of them: a few samples say whether it is worth that. Files come and go as
  // a whole, or lose their beginning or end first.
  constexpr size_t kSamples = 9;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t last = size_ == 0 ? 0 : (size_ - 1) / page;
  for (size_t i = 0; i < kSamples && size_ != 0; ++i) {
    unsigned char there = 1;
    auto* address = const_cast<std::byte*>(data_) + last * i / (kSamples - 1) * page;
    if (::mincore(address, 1, &there) == 0 && (there & 1) == 0) {
      ::madvise(const_cast<std::byte*>(data_), size_, MADV_WILLNEED);
      return;
    }
  }
}

void bring_in(std::span<const std::byte> range) {
#ifdef MADV_POPULATE_READ
  constexpr uintptr_t kPage = 4096;   // pages may be larger: then the call fails, and faults do it
  auto begin = reinterpret_cast<uintptr_t>(range.data()) / kPage * kPage, end = reinterpret_cast<uintptr_t>(range.data()) + range.size();
  if (!range.empty()) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
#else
  static_cast<void>(range);
#endif
}

namespace {

// Where a link leads to: the link itself is not to be replaced. One that leads nowhere is left as it is.
std::string behind_links(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string target = real;
  std::free(real);
  return target;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(behind_links(path)) {
  struct stat status = {};
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::kInputOutput, "it is a folder", "give the name of a file").with_file(path_);
    if (!S_ISREG(status.st_mode)) {   // /dev/null, a pipe: there is nothing to keep and nothing to replace
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
      if (descriptor_ < 0) fail_system(path_, "cannot be written");
      return;
    }
  }
  temporary_ = text(path_, '.', static_cast<int64_t>(::getpid()), ".octet.tmp");
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_system(path_, "cannot be written");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t size) {
  auto* bytes = static_cast<const char*>(data);
  while (size != 0) {
    ssize_t written = ::write(descriptor_, bytes, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      fail_system(path_, "cannot be written");
    }
    bytes += written;
    size -= static_cast<size_t>(written);
    size_ += static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  int descriptor = descriptor_;
  descriptor_ = -1;
  if (::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) {
    ::close(descriptor);
    fail_system(path_, "cannot be written");
  }
  if (::close(descriptor) != 0) fail_system(path_, "cannot be written");
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_system(path_, "cannot be renamed into place");
  temporary_.clear();
}

}  // namespace octet
