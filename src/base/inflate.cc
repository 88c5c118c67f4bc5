#include "base/inflate.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"

namespace octet {

namespace {

[[noreturn]] void fail_stream(const char* what) {
  fail(ErrorCode::kInvalidModel, "compressed data is damaged: ", what);
}

struct OutOfRoom {};   // thrown within this file when the output is full

class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> in) : in_(in) {}

  // At least 32 bits behind the cursor; zeros behind the end, which `consume` refuses.
  uint32_t peek() {
    while (count_ <= 32) {
      uint64_t next = at_ < in_.size() ? static_cast<uint64_t>(in_[at_]) : 0;
      ++at_;
      bits_ |= next << count_;
      count_ += 8;
    }
    return static_cast<uint32_t>(bits_);
  }
  void consume(int count) {
    if (at_ > in_.size() && (at_ - in_.size()) * 8 > static_cast<size_t>(count_ - count))
      fail_stream("it ends too early");
    bits_ >>= count;
    count_ -= count;
  }
  uint32_t take(int count) {   // up to 16
    uint32_t value = peek() & ((1u << count) - 1);
    consume(count);
    return value;
  }
  // The byte position after the current, partly used byte.
  size_t byte_position() const { return at_ - static_cast<size_t>(count_ / 8); }
  void continue_at(size_t position) {
    at_ = position;
    bits_ = 0;
    count_ = 0;
  }

 private:
  std::span<const std::byte> in_;
  size_t at_ = 0;
  uint64_t bits_ = 0;
  int count_ = 0;
};

constexpr int kMaxBits = 15, kFastBits = 9;

// Canonical Huffman codes: a table for codes of up to kFastBits, bit by bit for the longer ones.
class Huffman {
 public:
  // Incomplete sets are allowed only where they have one code (RFC 1951, 3.2.7).
  void build(std::span<const uint8_t> lengths) {
    count_.fill(0);
    for (uint8_t length : lengths) ++count_[length];
    int left = 1, used = 0;
    for (int length = 1; length <= kMaxBits; ++length) {
      left = left * 2 - count_[static_cast<size_t>(length)];
      used += count_[static_cast<size_t>(length)];
      if (left < 0) fail_stream("an over-subscribed code");
    }
    if (left > 0 && used > 1) fail_stream("an incomplete code");
    std::array<uint16_t, kMaxBits + 2> offset{}, code{};
    for (size_t length = 1; length <= kMaxBits; ++length) {
      offset[length + 1] = static_cast<uint16_t>(offset[length] + count_[length]);
      code[length + 1] = static_cast<uint16_t>((code[length] + count_[length]) << 1);
    }
    fast_.fill(0);
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      size_t length = lengths[symbol];
      if (length == 0) continue;
      symbols_[offset[length]++] = static_cast<uint16_t>(symbol);
      uint32_t bits = code[length]++;
      if (length > kFastBits) continue;
      uint32_t reversed = 0;
      for (size_t i = 0; i < length; ++i) reversed |= ((bits >> i) & 1) << (length - 1 - i);
      for (uint32_t entry = reversed; entry < fast_.size(); entry += 1u << length)
        fast_[entry] = static_cast<uint16_t>(symbol << 4 | length);
    }
  }

  int decode(BitReader& in) const {
    uint32_t bits = in.peek();
    if (uint16_t entry = fast_[bits & ((1u << kFastBits) - 1)]) {
      in.consume(entry & 15);
      return entry >> 4;
    }
    int code = 0, first = 0, index = 0;
    for (int length = 1; length <= kMaxBits; ++length, bits >>= 1) {
      code |= static_cast<int>(bits & 1);
      int count = count_[static_cast<size_t>(length)];
      if (code - count < first) {
        in.consume(length);
        return symbols_[static_cast<size_t>(index + code - first)];
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    fail_stream("a code that does not exist");
  }

 private:
  std::array<uint16_t, kMaxBits + 1> count_{};
  std::array<uint16_t, 320> symbols_{};
  std::array<uint16_t, 1 << kFastBits> fast_{};
};

constexpr uint16_t kLengthBase[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                      31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr uint8_t kLengthExtra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr uint16_t kDistanceBase[30] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                        33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr uint8_t kDistanceExtra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                        6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

void read_fixed_codes(Huffman& literals, Huffman& distances) {
  std::array<uint8_t, 288> lengths;
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  literals.build(lengths);
  std::array<uint8_t, 32> five;   // 30 and 31 are never sent, but they complete the code
  five.fill(5);
  distances.build(five);
}

void read_dynamic_codes(BitReader& in, Huffman& literals, Huffman& distances) {
  constexpr uint8_t kOrder[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  size_t literal_count = in.take(5) + 257, distance_count = in.take(5) + 1, length_count = in.take(4) + 4;
  if (literal_count > 286 || distance_count > 30) fail_stream("too many codes");
  std::array<uint8_t, 19> code_lengths{};
  for (size_t i = 0; i < length_count; ++i) code_lengths[kOrder[i]] = static_cast<uint8_t>(in.take(3));
  Huffman lengths_code;
  lengths_code.build(code_lengths);
  std::array<uint8_t, 320> lengths{};
  for (size_t i = 0; i < literal_count + distance_count;) {
    int symbol = lengths_code.decode(in);
    if (symbol < 16) {
      lengths[i++] = static_cast<uint8_t>(symbol);
      continue;
    }
    if (symbol == 16 && i == 0) fail_stream("a repetition of nothing");
    uint8_t value = symbol == 16 ? lengths[i - 1] : 0;
    size_t repeat = symbol == 16 ? in.take(2) + 3 : symbol == 17 ? in.take(3) + 3 : in.take(7) + 11;
    if (i + repeat > literal_count + distance_count) fail_stream("too many code lengths");
    while (repeat--) lengths[i++] = value;
  }
  if (lengths[256] == 0) fail_stream("no end of block");
  std::span<const uint8_t> all(lengths);
  literals.build(all.first(literal_count));
  distances.build(all.subspan(literal_count, distance_count));
}

// Returns the output position behind the block.
size_t inflate_block(BitReader& in, const Huffman& literals, const Huffman& distances, std::span<std::byte> out,
                     size_t at) {
  for (;;) {
    int symbol = literals.decode(in);
    if (symbol < 256) {
      if (at == out.size()) throw OutOfRoom();
      out[at++] = static_cast<std::byte>(symbol);
      continue;
    }
    if (symbol == 256) return at;
    auto code = static_cast<size_t>(symbol - 257);
    if (code >= std::size(kLengthBase)) fail_stream("a length that does not exist");
    size_t length = kLengthBase[code] + in.take(kLengthExtra[code]);
    auto far = static_cast<size_t>(distances.decode(in));
    if (far >= std::size(kDistanceBase)) fail_stream("a distance that does not exist");
    size_t distance = kDistanceBase[far] + in.take(kDistanceExtra[far]);
    if (distance > at) fail_stream("a distance before the start");
    if (length > out.size() - at) throw OutOfRoom();
    for (; length != 0; --length, ++at) out[at] = out[at - distance];
  }
}

struct Inflated { size_t used, written; };

Inflated inflate_stream(std::span<const std::byte> data, std::span<std::byte> out) {
  BitReader in(data);
  Huffman literals, distances;
  size_t at = 0;
  for (bool last = false; !last;) {
    last = in.take(1) != 0;
    switch (in.take(2)) {
      case 0: {
        size_t position = in.byte_position();
        if (position > data.size() || data.size() - position < 4) fail_stream("it ends too early");
        auto byte = [&](size_t i) { return static_cast<size_t>(data[position + i]); };
        size_t length = byte(0) | byte(1) << 8, inverse = byte(2) | byte(3) << 8;
        if ((length ^ inverse) != 0xFFFF) fail_stream("a wrong block length");
        position += 4;
        if (length > data.size() - position) fail_stream("it ends too early");
        if (length > out.size() - at) throw OutOfRoom();
        if (length != 0) std::memcpy(out.data() + at, data.data() + position, length);
        at += length;
        in.continue_at(position + length);
        break;
      }
      case 1:
        read_fixed_codes(literals, distances);
        at = inflate_block(in, literals, distances, out, at);
        break;
      case 2:
        read_dynamic_codes(in, literals, distances);
        at = inflate_block(in, literals, distances, out, at);
        break;
      default: fail_stream("a block type that does not exist");
    }
  }
  return {in.byte_position(), at};
}

struct CrcTables {
  uint32_t table[8][256];
};

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
    tables.table[0][i] = value;
  }
  for (int level = 1; level < 8; ++level)
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t before = tables.table[level - 1][i];
      tables.table[level][i] = before >> 8 ^ tables.table[0][before & 255];
    }
  return tables;
}

constexpr CrcTables kCrc = make_crc_tables();

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  uint32_t crc = ~before;
  size_t i = 0;
  auto byte = [&](size_t at) { return static_cast<uint32_t>(bytes[at]); };
  for (; i + 8 <= bytes.size(); i += 8) {
    uint32_t low = crc ^ (byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
    crc = kCrc.table[7][low & 255] ^ kCrc.table[6][low >> 8 & 255] ^ kCrc.table[5][low >> 16 & 255] ^
          kCrc.table[4][low >> 24] ^ kCrc.table[3][byte(i + 4)] ^ kCrc.table[2][byte(i + 5)] ^
          kCrc.table[1][byte(i + 6)] ^ kCrc.table[0][byte(i + 7)];
  }
  for (; i < bytes.size(); ++i) crc = crc >> 8 ^ kCrc.table[0][(crc ^ byte(i)) & 255];
  return ~crc;
}

size_t inflate(std::span<const std::byte> in, std::span<std::byte> out) {
  Inflated result{};
  try {
    result = inflate_stream(in, out);
  } catch (OutOfRoom) {
    fail_stream("it holds more than promised");
  }
  if (result.written != out.size()) fail_stream("it holds less than promised");
  return result.used;
}

std::vector<std::byte> gunzip(std::span<const std::byte> in, size_t limit) {
  std::vector<std::byte> out;
  if (in.empty()) fail_stream("it is empty");
  size_t at = 0;
  auto byte = [&](size_t i) -> uint32_t {
    if (i >= in.size()) fail_stream("it ends too early");
    return static_cast<uint32_t>(in[i]);
  };
  while (at < in.size()) {
    if (byte(at) != 0x1F || byte(at + 1) != 0x8B || byte(at + 2) != 8) fail_stream("it is no gzip file");
    uint32_t flags = byte(at + 3);
    if (flags & 0xE0) fail_stream("unknown gzip flags");
    at += 10;
    if (flags & 4) at += 2 + (byte(at) | byte(at + 1) << 8);
    for (uint32_t text : {8u, 16u})
      if (flags & text) {
        while (byte(at) != 0) ++at;
        ++at;
      }
    if (flags & 2) at += 2;
    if (at > in.size()) fail_stream("it ends too early");
    // The length stands behind the data, whose end is not known yet: decompress into room that grows up to the limit.
    std::vector<std::byte> member;
    size_t room = std::min(inflate_bound(in.size() - at), limit - out.size());
    member.resize(std::min<size_t>(room, (in.size() - at) * 4 + 1024));
    Inflated result{};
    for (;;) {
      try {
        result = inflate_stream(in.subspan(at), member);
        break;
      } catch (OutOfRoom) {
        require(member.size() < room, ErrorCode::kResourceLimit, "the file decompresses to more than ", limit,
                " bytes");
        member.resize(std::min(room, member.size() * 4));
      }
    }
    member.resize(result.written);
    at += result.used;
    auto word = [&](size_t i) { return byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24; };
    if (word(at) != crc32(member)) fail_stream("the checksum is wrong");
    if (word(at + 4) != static_cast<uint32_t>(result.written)) fail_stream("the length is wrong");
    at += 8;
    out.insert(out.end(), member.begin(), member.end());
  }
  return out;
}

}  // namespace octet
