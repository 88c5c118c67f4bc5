// Memory for packed weights: few large pieces in huge pages, from which blocks are cut. Fresh memory costs 0.5 ms per MB in 4 KB pages
// and a third of that in huge ones. A piece lives as long as a block of it does.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "octet/tensor.h"

namespace octet {

class PackedMemory {
 public:
  // `expected_bytes`: what will be asked for altogether, roughly.
  explicit PackedMemory(size_t expected_bytes) : expected_(expected_bytes) {}
  PackedMemory(const PackedMemory&) = delete;
  PackedMemory& operator=(const PackedMemory&) = delete;

  // A block of uint8 zeros, 64-byte aligned, with 64 readable bytes behind it. From any thread; throws Error when memory is out.
  Tensor allocate(size_t bytes);

 private:
  std::mutex mutex_;
  size_t expected_;
  std::shared_ptr<std::byte> piece_;
  size_t used_ = 0, size_ = 0;
};

}  // namespace octet
