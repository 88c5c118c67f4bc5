// The tile registers as the kernels see them: tiles 0 to 3 are sums, 16 rows × 16 int32; tiles 4 and 5 are 16 rows × `depth` bytes of
// activations, tiles 6 and 7 depth / 4 rows × 64 bytes of weights. Two implementations: the machine's, and one in plain C++ with the
// same results, so that the kernels are tested on every machine.
#pragma once

#include <cstdint>
#include <cstring>

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kTileRows = 16, kTileBytes = 64;

#if defined(__AMX_INT8__)

// Inline assembly with a memory clobber: the intrinsics of g++ 12 do not tell the compiler that they touch memory.
class TileUnit {
 public:
  explicit TileUnit(int64_t depth) {
    struct alignas(64) Configuration {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } configuration;
    for (int i = 0; i < 8; ++i) configuration.row_bytes[i] = kTileBytes, configuration.rows[i] = kTileRows;
    for (int i = 4; i < 6; ++i) configuration.row_bytes[i] = static_cast<uint16_t>(depth);
    for (int i = 6; i < 8; ++i) configuration.rows[i] = static_cast<uint8_t>(depth / 4);
    asm volatile("ldtilecfg %0" : : "m"(configuration) : "memory");
  }
  ~TileUnit() { asm volatile("tilerelease" : : : "memory"); }
  TileUnit(const TileUnit&) = delete;
  TileUnit& operator=(const TileUnit&) = delete;

  template <int kTile>
  void load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  void store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  // Adds a · b to c: rows of a are bytes, signed or not; b has rows of groups of four signed bytes, one group per column.
  template <int kC, int kA, int kB>
  void multiply(bool a_signed) {
    if (a_signed) {
      asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
    } else {
      asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
    }
  }
};

#else

class TileUnit {
 public:
  explicit TileUnit(int64_t depth) : depth_(depth) {}

  template <int kTile>
  void load(const void* from, int64_t stride) {
    const int64_t rows = kTile >= 6 ? depth_ / 4 : kTileRows, bytes = kTile == 4 || kTile == 5 ? depth_ : kTileBytes;
    for (int64_t r = 0; r < rows; ++r)
      std::memcpy(bytes_[kTile] + r * kTileBytes, static_cast<const uint8_t*>(from) + r * stride, static_cast<size_t>(bytes));
  }
  template <int kTile>
  void store(void* to, int64_t stride) {
    for (int64_t r = 0; r < kTileRows; ++r)
      std::memcpy(static_cast<uint8_t*>(to) + r * stride, bytes_[kTile] + r * kTileBytes, kTileBytes);
  }
  template <int kC, int kA, int kB>
  void multiply(bool a_signed) {
    uint32_t c[kTileRows * 16];
    std::memcpy(c, bytes_[kC], sizeof c);
    for (int64_t r = 0; r < kTileRows; ++r)
      for (int64_t k = 0; k < depth_; ++k)
        for (int64_t n = 0; n < 16; ++n) {
          const uint8_t a = bytes_[kA][r * kTileBytes + k];
          const int8_t b = static_cast<int8_t>(bytes_[kB][k / 4 * kTileBytes + n * 4 + k % 4]);
          c[r * 16 + n] += static_cast<uint32_t>((a_signed ? static_cast<int8_t>(a) : static_cast<int32_t>(a)) * b);
        }
    std::memcpy(bytes_[kC], c, sizeof c);
  }

 private:
  int64_t depth_;
  alignas(64) uint8_t bytes_[8][kTileRows * kTileBytes] = {};
};

#endif

}  // namespace

}  // namespace octet::kernels::gemm_int8
