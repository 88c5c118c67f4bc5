// Arithmetic modulo the CRC32C polynomial, bits reflected: the top bit is x^0. For tables made by the compiler.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace octet::kernels::crc32c {

constexpr uint32_t kPolynomial = 0x82f63b78;

constexpr uint32_t times_x(uint32_t a) { return (a & 1) != 0 ? (a >> 1) ^ kPolynomial : a >> 1; }

constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1, b = times_x(b))
    if ((a & bit) != 0) product ^= b;
  return product;
}

// x^(8 · bytes): what a CRC is multiplied by when so many zero bytes follow.
constexpr uint32_t power_of_bytes(size_t bytes) {
  uint32_t result = uint32_t{1} << 31, square = uint32_t{1} << 23;   // 1 and x^8
  for (; bytes != 0; bytes >>= 1, square = multiply(square, square))
    if ((bytes & 1) != 0) result = multiply(result, square);
  return result;
}

// Multiplication by a fixed power, a byte at a time.
using ShiftTable = std::array<std::array<uint32_t, 256>, 4>;
constexpr ShiftTable shift_table(size_t bytes) {
  ShiftTable table{};
  const uint32_t power = power_of_bytes(bytes);
  for (size_t k = 0; k < 4; ++k)
    for (uint32_t n = 0; n < 256; ++n) table[k][n] = multiply(power, n << (8 * k));
  return table;
}
constexpr uint32_t shift(const ShiftTable& table, uint32_t crc) {
  return table[0][crc & 0xff] ^ table[1][crc >> 8 & 0xff] ^ table[2][crc >> 16 & 0xff] ^ table[3][crc >> 24];
}

}  // namespace octet::kernels::crc32c
