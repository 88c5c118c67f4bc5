// What the writer and the reader of pack files share: docs/pack.md in C++.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "octet/tensor.h"

namespace octet::pack_format {

constexpr char kMagic[8] = {'\x8f', 'O', 'C', 'T', 'E', 'T', '\r', '\n'};
constexpr uint32_t kVersion = 2;
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kHeaderBytes = 64;
constexpr uint64_t kInlineBytes = 256;    // constants up to this size stand in the structure
constexpr int kMostRank = 64, kMostDepth = 32;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t file_bytes;
  uint64_t structure_bytes;   // from header_bytes on
  uint32_t structure_crc;
  uint32_t reserved[6];       // zero
  uint32_t header_crc;        // of the bytes before it
};
static_assert(sizeof(Header) == kHeaderBytes);

enum class Constant : uint8_t { kNone = 0, kInline = 1, kBlock = 2, kAbsent = 3 };
enum class Attribute : uint8_t { kInteger = 0, kFloat, kString, kTensor, kGraph, kIntegers, kFloats, kStrings };

uint32_t crc_of(const void* bytes, size_t count);   // CRC-32C

inline uint64_t aligned(uint64_t at, uint64_t step = kAlignment) { return (at + step - 1) / step * step; }

class ByteWriter {
 public:
  void number(uint64_t value) {   // LEB128
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  void integer(int64_t value) { number(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }   // zigzag
  void byte(uint8_t value) { bytes_ += static_cast<char>(value); }
  void raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  void string(std::string_view text) {
    number(text.size());
    raw(text.data(), text.size());
  }
  void shape(const Shape& shape) {
    number(static_cast<uint64_t>(shape.rank()));
    for (int64_t extent : shape) integer(extent);
  }
  void align(uint64_t step) { bytes_.resize(aligned(bytes_.size(), step)); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Throws Error at anything that does not fit into what is left.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}
  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t next = byte();
      value |= static_cast<uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    damaged("a number is too long");
  }
  int64_t integer() {
    uint64_t value = number();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  uint8_t byte() {
    if (at_ == end_) damaged("it ends too early");
    return static_cast<uint8_t>(*at_++);
  }
  // A count of things that take at least `least` bytes each.
  size_t count(size_t least = 1) {
    uint64_t value = number();
    if (value > left() / least) damaged("a list is longer than the file");
    return static_cast<size_t>(value);
  }
  std::string_view raw(size_t size) {
    if (size > left()) damaged("it ends too early");
    std::string_view view(at_, size);
    at_ += size;
    return view;
  }
  std::string_view string() { return raw(count()); }
  Shape shape() {
    size_t rank = count();
    if (rank > static_cast<size_t>(kMostRank)) damaged("a shape has too many axes");
    std::vector<int64_t> extents(rank);   // one piece of memory: a pack has thousands of shapes
    for (int64_t& extent : extents) {
      extent = integer();
      if (extent < Shape::kUnknown) damaged("an extent is negative");
    }
    return Shape(std::move(extents));
  }
  void align(size_t step) {
    auto used = static_cast<size_t>(at_ - begin_);
    raw(aligned(used, step) - used);
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool at_end() const { return at_ == end_; }

  [[noreturn]] static void damaged(const char* how) {
    throw Error(ErrorCode::kInvalidModel, text("the pack is damaged: ", how), "make it again with: octet pack");
  }

 private:
  const char *begin_, *at_, *end_;
};

}  // namespace octet::pack_format
