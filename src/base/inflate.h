// Reading DEFLATE (RFC 1951) and gzip (RFC 1952), and the CRC-32 that both zip and gzip use. Here and not from zlib so
// that the runtime, which links no library, reads compressed .npz files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace octet {

// Decompresses a whole stream into `out`, which it must fill exactly; returns the bytes of `in` it used. Throws Error
// (kInvalidModel) where the stream is damaged, too short or too long. Never reads or writes outside the spans.
size_t inflate(std::span<const std::byte> in, std::span<std::byte> out);

// The contents of a gzip file (one or several members) of at most `limit` bytes; checks length and CRC.
std::vector<std::byte> gunzip(std::span<const std::byte> in, size_t limit);

// What `in` bytes of DEFLATE can become at most (1032 : 1): to check a promised size against before allocating.
constexpr size_t inflate_bound(size_t in) { return in > SIZE_MAX / 1040 ? SIZE_MAX : in * 1040 + 1040; }

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace octet
