#include "kernels/copy_strided/copy_strided.h"

#include <cstring>

namespace octet::kernels::copy_strided {

namespace {

template <typename T>
void copy_row(const unsigned char* x, unsigned char* y, int64_t count, int64_t x_stride, int64_t y_stride) {
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(y + i * y_stride * static_cast<int64_t>(sizeof(T)), x + i * x_stride * static_cast<int64_t>(sizeof(T)), sizeof(T));
}

// Every second element, in vectors that every processor has.
void copy_row_from_every_second(const unsigned char* x, unsigned char* y, int64_t count) {
  using Four = uint32_t __attribute__((vector_size(16)));
  int64_t i = 0;
  for (; i + 4 < count; i += 4, x += 32, y += 16) {   // the last element may be the end of the memory
    Four a, b;
    std::memcpy(&a, x, 16);
    std::memcpy(&b, x + 16, 16);
    const Four even = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    std::memcpy(y, &even, 16);
  }
  for (; i < count; ++i, x += 8, y += 4) std::memcpy(y, x, 4);
}

// 16 to kShortRow bytes without a call: whole sixteens, the last of them over the one before.
constexpr int64_t kShortRow = 128;
inline void copy_short_row(const unsigned char* x, unsigned char* y, int64_t bytes) {
  int64_t i = 0;
  for (; i + 16 < bytes; i += 16) std::memcpy(y + i, x + i, 16);
  std::memcpy(y + bytes - 16, x + bytes - 16, 16);
}

void copy_row(int element_bytes, const unsigned char* x, unsigned char* y, int64_t count, int64_t x_stride, int64_t y_stride) {
  if (x_stride == 1 && y_stride == 1) {
    std::memcpy(y, x, static_cast<size_t>(count * element_bytes));
    return;
  }
  if (x_stride == 2 && y_stride == 1 && element_bytes == 4) return copy_row_from_every_second(x, y, count);
  switch (element_bytes) {
    case 1: return copy_row<uint8_t>(x, y, count, x_stride, y_stride);
    case 2: return copy_row<uint16_t>(x, y, count, x_stride, y_stride);
    case 4: return copy_row<uint32_t>(x, y, count, x_stride, y_stride);
    default: return copy_row<uint64_t>(x, y, count, x_stride, y_stride);
  }
}

// Calls body(x offset, y offset) in elements for rows [begin, end).
template <typename Body>
void for_rows(const Block& b, int64_t begin, int64_t end, Body body) {
  if (begin >= end) return;
  int64_t index[Block::kMaxRank] = {}, x = 0, y = 0, rest = begin;
  for (int axis = b.rank - 2; axis >= 0; --axis) {
    index[axis] = rest % b.extent[axis];
    rest /= b.extent[axis];
    x += index[axis] * b.x_stride[axis];
    y += index[axis] * b.y_stride[axis];
  }
  for (int64_t row = begin; row < end; ++row) {
    body(x, y);
    for (int axis = b.rank - 2; axis >= 0; --axis) {
      x += b.x_stride[axis];
      y += b.y_stride[axis];
      if (++index[axis] < b.extent[axis]) break;
      x -= b.extent[axis] * b.x_stride[axis];
      y -= b.extent[axis] * b.y_stride[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

Block collapse(const Block& block) {
  Block out = block;
  out.rank = 0;
  for (int axis = 0; axis < block.rank; ++axis) {
    const int64_t n = block.extent[axis], x = block.x_stride[axis], y = block.y_stride[axis];
    if (n == 1) continue;
    const int outer = out.rank - 1;
    if (outer >= 0 && out.x_stride[outer] == x * n && out.y_stride[outer] == y * n) {
      out.extent[outer] *= n;
      out.x_stride[outer] = x;
      out.y_stride[outer] = y;
      continue;
    }
    out.extent[out.rank] = n;
    out.x_stride[out.rank] = x;
    out.y_stride[out.rank] = y;
    ++out.rank;
  }
  if (out.rank == 0) {
    out.rank = 1;
    out.extent[0] = out.x_stride[0] = out.y_stride[0] = 1;
  }
  return out;
}

void copy(const Block& block, const void* x, void* y, int64_t begin, int64_t end) {
  const int last = block.rank - 1;
  const auto* from = static_cast<const unsigned char*>(x);
  auto* to = static_cast<unsigned char*>(y);
  // Channels of a pixel, joined channels-last: as many rows as pixels.
  const int64_t bytes = block.extent[last] * block.element_bytes;
  if (block.x_stride[last] == 1 && block.y_stride[last] == 1 && bytes >= 16 && bytes <= kShortRow) {
    for_rows(block, begin, end, [&](int64_t x_offset, int64_t y_offset) {
      copy_short_row(from + x_offset * block.element_bytes, to + y_offset * block.element_bytes, bytes);
    });
    return;
  }
  for_rows(block, begin, end, [&](int64_t x_offset, int64_t y_offset) {
    copy_row(block.element_bytes, from + x_offset * block.element_bytes, to + y_offset * block.element_bytes, block.extent[last],
             block.x_stride[last], block.y_stride[last]);
  });
}

void fill(const Block& block, const void* value, void* y, int64_t begin, int64_t end) {
  const int last = block.rank - 1;
  auto* to = static_cast<unsigned char*>(y);
  for_rows(block, begin, end, [&](int64_t, int64_t y_offset) {
    if (block.element_bytes == 1 && block.y_stride[last] == 1)
      std::memset(to + y_offset, *static_cast<const unsigned char*>(value), static_cast<size_t>(block.extent[last]));
    else
      copy_row(block.element_bytes, static_cast<const unsigned char*>(value), to + y_offset * block.element_bytes, block.extent[last], 0,
               block.y_stride[last]);
  });
}

}  // namespace octet::kernels::copy_strided
