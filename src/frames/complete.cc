#include "frames/complete.h"

#include <cstdint>
#include <cstring>

namespace octet {

namespace {

using Bytes = std::span<const std::byte>;

bool starts_with(Bytes bytes, std::initializer_list<int> head) {
  size_t at = 0;
  for (int value : head)
    if (at >= bytes.size() || bytes[at++] != static_cast<std::byte>(value)) return false;
  return true;
}

uint32_t big_endian(Bytes bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

// ITU T.81, annex B: markers are FF and a code; segments of a known length follow some, entropy-coded data follows the start of a
// scan, where FF 00 is a byte FF and FF D0 to FF D7 are restarts.
bool is_complete_jpeg(Bytes bytes) {
  constexpr uint32_t kStandalone = 0x01, kFirstRestart = 0xD0, kLastRestart = 0xD7, kStart = 0xD8, kEnd = 0xD9;
  size_t at = 2;
  while (at < bytes.size()) {
    // The next FF, over data and whatever stands between segments.
    const void* found = std::memchr(bytes.data() + at, 0xFF, bytes.size() - at);
    if (found == nullptr) return false;
    at = static_cast<size_t>(static_cast<const std::byte*>(found) - bytes.data()) + 1;
    if (at >= bytes.size()) return false;
    auto code = std::to_integer<uint32_t>(bytes[at]);
    if (code == 0xFF) continue;   // fill bytes
    ++at;
    if (code == kEnd) return true;
    if (code == 0 || code == kStandalone || (code >= kFirstRestart && code <= kLastRestart) || code == kStart) continue;
    if (bytes.size() - at < 2) return false;
    at += big_endian(bytes, at, 2);   // the length counts itself
  }
  return false;
}

// A signature of 8 bytes, then chunks: length, type, data, check sum. IEND is the last one.
bool is_complete_png(Bytes bytes) {
  for (size_t at = 8; bytes.size() - at >= 12;) {
    size_t length = big_endian(bytes, at, 4);
    if (length > bytes.size() - at - 12) return false;
    if (std::memcmp(bytes.data() + at + 4, "IEND", 4) == 0) return true;
    at += 12 + length;
  }
  return false;
}

}  // namespace

bool is_complete_picture(Bytes bytes) {
  if (starts_with(bytes, {0xFF, 0xD8})) return is_complete_jpeg(bytes);
  if (starts_with(bytes, {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A})) return is_complete_png(bytes);
  return true;
}

}  // namespace octet
