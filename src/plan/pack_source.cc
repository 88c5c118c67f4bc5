// Checksums, what a pack was made of, and whether a file is one.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/cpu.h"
#include "kernels/crc32c/crc32c.h"
#include "plan/pack.h"
#include "plan/pack_format.h"

namespace octet {

using namespace pack_format;

uint32_t pack_format::crc_of(const void* bytes, size_t count) {
  return kernels::crc32c::select(supported_isas().back()).kernel->run(0, bytes, count);
}

PackSource identify(const std::string& path) {
  PackSource source;
  struct stat facts;
  if (path.empty() || ::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return source;
  char* absolute = ::realpath(path.c_str(), nullptr);
  source.path = absolute != nullptr ? absolute : path;
  std::free(absolute);
  source.bytes = static_cast<uint64_t>(facts.st_size);
  source.inode = static_cast<uint64_t>(facts.st_ino);
  source.modified_ns = static_cast<int64_t>(facts.st_mtim.tv_sec) * 1000000000 + facts.st_mtim.tv_nsec;
  return source;
}

uint64_t hash_of(std::span<const std::byte> bytes) {
  // Two checksums over halves that overlap nowhere, with the length: enough to notice a change, no protection against malice.
  size_t half = bytes.size() / 2;
  uint64_t low = crc_of(bytes.data(), half), high = crc_of(bytes.data() + half, bytes.size() - half);
  return (high << 32 | low) ^ bytes.size();
}

bool looks_like_pack(const std::string& path) {
  char magic[sizeof kMagic];
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  bool pack = ::read(file, magic, sizeof magic) == sizeof magic && std::memcmp(magic, kMagic, sizeof magic) == 0;
  ::close(file);
  return pack;
}

}  // namespace octet
