// 256-bit vpdpbusd on four channels at a time.
#include <cstring>

#include "kernels/gemm_int8/x86_256.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kGroup = 4;

OCTET_INLINE inline __m256i load_group(const uint8_t* a) {
  int32_t group;
  std::memcpy(&group, a, sizeof group);
  return _mm256_set1_epi32(group);
}

template <int kRows, int kWide>
struct Tile {
  static void run(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* b) {
    __m256i v[kRows][kWide];
    start<kWide, kRows>(block, j, v);
    for (int64_t t = 0; t < block.taps; ++t) {
      const uint8_t* a[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const uint8_t*>(block.a[t * block.a_rows + i + r]); });
      for (int64_t c = 0; c < block.channels; c += kGroup, b += kWide * kLanes * kGroup) {
        __m256i weights[kWide];
        repeat<kWide>([&](auto w) OCTET_INLINE {
          weights[w] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + w * kLanes * kGroup));
        });
        repeat<kRows>([&](auto r) OCTET_INLINE {
          const __m256i x = load_group(a[r] + c);
          repeat<kWide>([&](auto w) OCTET_INLINE { v[r][w] = _mm256_dpbusd_avx_epi32(v[r][w], x, weights[w]); });
        });
      }
    }
    finish(block, i, j, columns, v);
  }
};

void pack_row(const void* const* sources, int64_t runs, int64_t count, uint8_t flip, void* row) {
  uint8_t* out = static_cast<uint8_t*>(row);
  const __m256i mask = _mm256_set1_epi8(static_cast<char>(flip));
  for (int64_t r = 0; r < runs; ++r, out += count) {
    const uint8_t* in = static_cast<const uint8_t*>(sources[r]);
    for (int64_t i = 0; i < count; i += 32) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_xor_si256(bytes, mask));
    }
  }
}

}  // namespace

const Kernel x86_avxvnni = {kMostRows, kColumns, kLanes, kGroup, kGroup, InputForm::kUnsigned, 1, run_tiles<Tile, kGroup>, pack_row};

}  // namespace octet::kernels::gemm_int8
