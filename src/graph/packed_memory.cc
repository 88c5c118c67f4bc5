#include "graph/packed_memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/error.h"

namespace octet {

namespace {

constexpr size_t kHugePage = size_t{2} << 20, kAlignment = 64, kReadableTail = 64;
// Pieces are not larger, so that little stays unused; pages that nobody touched cost nothing.
constexpr size_t kLargestPiece = size_t{64} << 20;

size_t rounded(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

// Zeros from the system. Aligned to huge pages when it is a large piece.
std::shared_ptr<std::byte> map_piece(size_t bytes) {
  bool huge = bytes >= kHugePage;
  size_t reserved = huge ? bytes + kHugePage : bytes;
  void* memory = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, ErrorCode::kResourceLimit, "out of memory: the packed weights need ", bytes, " bytes more");
  auto* base = static_cast<std::byte*>(memory);
  auto address = reinterpret_cast<uintptr_t>(base);
  std::byte* start = huge ? base + (rounded(address, kHugePage) - address) : base;
  if (huge) madvise(start, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return {start, [base, reserved](std::byte*) { munmap(base, reserved); }};
}

}  // namespace

Tensor PackedMemory::allocate(size_t bytes) {
  require(bytes < SIZE_MAX / 2, ErrorCode::kResourceLimit, "out of memory: a block of packed weights needs ", bytes, " bytes");
  size_t needed = rounded(bytes + kReadableTail, kAlignment);
  std::lock_guard<std::mutex> lock(mutex_);
  if (size_ - used_ < needed) {
    size_ = rounded(std::max(needed, std::min(std::max(expected_, needed), kLargestPiece)), 4096);
    piece_ = map_piece(size_);
    used_ = 0;
  }
  std::byte* block = piece_.get() + used_;
  used_ += needed;
  expected_ -= std::min(expected_, needed);
  return Tensor(DType::kUInt8, Shape{static_cast<int64_t>(bytes)}, block, piece_);
}

}  // namespace octet
