#include "base/inflate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "octet/error.h"

namespace octet {
namespace {

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> out;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return out;
}

std::string inflated(std::string_view hex, size_t size) {
  std::string out(size, '?');
  inflate(from_hex(hex), std::as_writable_bytes(std::span(out)));
  return out;
}

// Streams that zlib made.
constexpr const char* kFixed = "4b4c4a4e042385fce492d412080900";
constexpr const char* kStored = "010600f9ff73746f726564";
constexpr const char* kGzip = "1f8b08000000000002034bafca2c50c84f53c84f2e492dd1514847e60200c474dcfd1c000000";
constexpr const char* kDynamic =
    "8d93db9584300c436b93e5571298d9feab59792a083f1c8248ae25b1963956d21d70a3b93f08c24c4f002dd3c3178cbb636d44e05617"
    "e116c60e8bcaca2f3bcb98f6a0ac9cd870cc3e8e1dad657b6e750ce8858005e3e7f8a120e24711912e2e9a75b367262fcc75a7632490"
    "b3af796a3c8fe5456b0ac306854d50a7ef3851f66dbbd555e01da7724e6237d21287a6fb3a38104a446b289387869e81ef740b2c1332"
    "1bce8dd54e2edb5a4af213062e2a1c594aa1ae37ed56a7e9b6f3258e3a52c7cd6b07ed48ea36d9181e286e99a5af964d4c773a30b7b7"
    "4671977b715ce7a8390b4220eb2d459c3df1ea2b65b278ab53087812bf4cfae39be38b8982d3cf556eeb79b593d6c4a512d4ad4e168b"
    "df55748cfbc291592eebf50fa8a9f9b776e81262d4d646b6ae753ddc50def333a9813d5d5717d374cba73eb26e4ffca5ff42a076abab"
    "2ebd549714863697579a571c9b5b126fa8b1ead79460b253fcb7ba7f";
constexpr size_t kDynamicSize = 1080;

// What kDynamic holds: skewed letters with repetitions.
std::string dynamic_text() {
  std::string out;
  uint32_t x = 1;
  for (int i = 0; i < 600; ++i) {
    x = x * 1664525 + 1013904223;
    out += static_cast<char>(65 + std::min({(x >> 24) % 16, (x >> 16) % 16, (x >> 20) % 16}));
    if (i % 50 == 49) out += out.substr(out.size() - 40);
  }
  return out;
}

TEST(Inflate, DecompressesEveryKindOfBlock) {
  EXPECT_EQ(inflated(kFixed, 21), "abcabcabc octet octet");
  EXPECT_EQ(inflated(kStored, 6), "stored");
  EXPECT_EQ(inflated(kDynamic, kDynamicSize), dynamic_text());
}

TEST(Inflate, RefusesWrongLengths) {
  EXPECT_THROW(inflated(kFixed, 20), Error);
  EXPECT_THROW(inflated(kFixed, 22), Error);
  EXPECT_THROW(inflated(kDynamic, kDynamicSize - 1), Error);
  EXPECT_THROW(inflated(kStored, 5), Error);
  EXPECT_THROW(inflated("", 0), Error);
}

// Every truncation is an Error; every flipped bit ends in an Error or in as many bytes as were asked for.
TEST(Inflate, SurvivesDamage) {
  for (const char* hex : {kFixed, kStored, kDynamic}) {
    std::vector<std::byte> stream = from_hex(hex);
    std::vector<std::byte> out(hex == kFixed ? 21 : hex == kStored ? 6 : kDynamicSize);
    for (size_t length = 0; length < stream.size(); ++length)
      EXPECT_THROW(inflate(std::span(stream).first(length), out), Error);
    for (size_t bit = 0; bit < stream.size() * 8; ++bit) {
      stream[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      try {
        inflate(stream, out);
      } catch (const Error&) {
      }
      stream[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    }
  }
}

TEST(Gunzip, ReadsOneAndSeveralMembers) {
  std::vector<std::byte> file = from_hex(kGzip);
  auto text_of = [](const std::vector<std::byte>& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  std::string once = "gzip of octet, gzip of octet";
  EXPECT_EQ(text_of(gunzip(file, 1000)), once);
  std::vector<std::byte> twice = file;
  twice.insert(twice.end(), file.begin(), file.end());
  EXPECT_EQ(text_of(gunzip(twice, 1000)), once + once);
  EXPECT_THROW(gunzip(file, 27), Error);
  for (size_t length = 0; length < file.size(); ++length)
    EXPECT_THROW(gunzip(std::span(file).first(length), 1000), Error);
  for (size_t bit = 10 * 8; bit < file.size() * 8; ++bit) {
    file[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    try {
      EXPECT_EQ(text_of(gunzip(file, 1000)), once) << bit;   // unused bits before the checksum may flip
    } catch (const Error&) {
    }
    file[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
  }
}

TEST(Crc32, MatchesItsCheckValue) {
  std::string digits = "123456789";
  EXPECT_EQ(crc32(std::as_bytes(std::span(digits))), 0xCBF43926u);
  EXPECT_EQ(crc32(std::as_bytes(std::span(digits).subspan(4)), crc32(std::as_bytes(std::span(digits).first(4)))),
            0xCBF43926u);
  EXPECT_EQ(crc32({}), 0u);
}

}  // namespace
}  // namespace octet
