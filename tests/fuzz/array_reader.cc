// Reads arbitrary bytes as an .npy array and, where they begin like one, as an .npz archive. The first row of an array is the same read
// alone and with the others.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include "base/npy.h"
#include "base/zip.h"
#include "octet/error.h"

namespace {

constexpr uint64_t kMostBytes = 1 << 22;   // decompressed

void read_array(std::span<const std::byte> bytes, const std::shared_ptr<const void>& keep_alive) {
  octet::NpyArray array = octet::NpyArray::parse(bytes, keep_alive, "fuzz.npy");
  octet::Tensor all = array.read();
  if (all.shape().rank() == 0 || all.shape()[0] == 0) return;
  octet::Tensor row = array.rows(0, 1);
  if (row.bytes() * static_cast<size_t>(all.shape()[0]) != all.bytes() || std::memcmp(row.raw(), all.raw(), row.bytes()) != 0) {
    std::fprintf(stderr, "the first row is another one when it is read alone\n");
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    if (size < 2 || data[0] != 'P' || data[1] != 'K') {
      read_array(bytes, nullptr);
      return 0;
    }
    octet::ZipReader zip(bytes, nullptr, "fuzz.npz");
    for (const octet::ZipEntry& entry : zip.entries()) {
      try {
        octet::ZipReader::Contents contents = zip.read(entry, kMostBytes);
        read_array(contents.bytes, contents.keep_alive);
      } catch (const octet::Error&) {
      }
    }
  } catch (const octet::Error&) {
  }
  return 0;
}
