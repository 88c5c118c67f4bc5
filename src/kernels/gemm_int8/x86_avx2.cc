// Exact on AVX2: vpmaddubsw would saturate, so rows are widened to 16 bits once, when they are packed, weights on the fly, and
// vpmaddwd multiplies two channels at a time. 3×3 convolutions have their products in 16 bits by way of Winograd's transformation.
#include <cstring>

#include "kernels/gemm_int8/x86_256.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kGroup = 2;

OCTET_INLINE inline __m256i load_group(const int16_t* a) {
  int32_t group;
  std::memcpy(&group, a, sizeof group);
  return _mm256_set1_epi32(group);
}

// Weights of kGroup channels × 8 columns, in 16 bits.
OCTET_INLINE inline __m256i load_weights(const int8_t* b) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
}
OCTET_INLINE inline __m256i load_weights(const int16_t* b) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)); }

template <typename Weight, int kRows, int kWide>
struct AnyTile {
  static void run(const Block& block, int64_t i, int64_t j, int64_t columns, const int8_t* panel) {
    const Weight* b = reinterpret_cast<const Weight*>(panel);
    __m256i v[kRows][kWide];
    start<kWide, kRows>(block, j, v);
    for (int64_t t = 0; t < block.taps; ++t) {
      const int16_t* a[kRows];
      repeat<kRows>([&](auto r) OCTET_INLINE { a[r] = static_cast<const int16_t*>(block.a[t * block.a_rows + i + r]); });
      for (int64_t c = 0; c < block.channels; c += kGroup, b += kWide * kLanes * kGroup) {
        __m256i weights[kWide];
        repeat<kWide>([&](auto w) OCTET_INLINE { weights[w] = load_weights(b + w * kLanes * kGroup); });
        repeat<kRows>([&](auto r) OCTET_INLINE {
          const __m256i x = load_group(a[r] + c);
          repeat<kWide>([&](auto w) OCTET_INLINE {
            v[r][w] = _mm256_add_epi32(v[r][w], _mm256_madd_epi16(x, weights[w]));
          });
        });
      }
    }
    finish(block, i, j, columns, v);
  }
};
template <int kRows, int kWide>
using Tile = AnyTile<int8_t, kRows, kWide>;
template <int kRows, int kWide>
using WordTile = AnyTile<int16_t, kRows, kWide>;

// [1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1] · x
OCTET_INLINE inline void transform(const __m256i (&x)[4], __m256i (&y)[4]) {
  y[0] = _mm256_sub_epi16(x[0], x[2]);
  y[1] = _mm256_add_epi16(x[1], x[2]);
  y[2] = _mm256_sub_epi16(x[2], x[1]);
  y[3] = _mm256_sub_epi16(x[1], x[3]);
}

void transform_input(const uint8_t* const* pixels, int64_t channels, uint8_t flip, int16_t* out, int64_t step) {
  const __m128i mask = _mm_set1_epi8(static_cast<char>(flip));
  for (int64_t c = 0; c < channels; c += 16) {
    __m256i rows[4][4];
    repeat<4>([&](auto r) OCTET_INLINE {
      __m256i x[4];
      repeat<4>([&](auto s) OCTET_INLINE {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels[4 * r + s] + c));
        x[s] = _mm256_cvtepu8_epi16(_mm_xor_si128(bytes, mask));
      });
      transform(x, rows[r]);
    });
    repeat<4>([&](auto s) OCTET_INLINE {
      const __m256i x[4] = {rows[0][s], rows[1][s], rows[2][s], rows[3][s]};
      __m256i y[4];
      transform(x, y);
      repeat<4>([&](auto r) OCTET_INLINE {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + (4 * r + s) * step + c), y[r]);
      });
    });
  }
}

// [1 1 1 0; 0 1 −1 −1] · x
OCTET_INLINE inline void transform_back(const __m256i (&x)[4], __m256i& first, __m256i& second) {
  first = _mm256_add_epi32(_mm256_add_epi32(x[0], x[1]), x[2]);
  second = _mm256_sub_epi32(_mm256_sub_epi32(x[1], x[2]), x[3]);
}

template <int kWide>
OCTET_INLINE inline void finish_columns(const Block& block, int64_t i, unsigned rows, const int32_t* sums, int64_t step, int64_t j,
                                        int64_t columns) {
  __m256i v[4][kWide];
  repeat<kWide>([&](auto w) OCTET_INLINE {
    __m256i top[4], bottom[4];
    repeat<4>([&](auto s) OCTET_INLINE {
      __m256i x[4];
      repeat<4>([&](auto r) OCTET_INLINE {
        x[r] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + (4 * r + s) * step + j + w * kLanes));
      });
      transform_back(x, top[s], bottom[s]);
    });
    transform_back(top, v[0][w], v[1][w]);
    transform_back(bottom, v[2][w], v[3][w]);
    const __m256i bias = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.bias + j + w * kLanes));
    repeat<4>([&](auto r) OCTET_INLINE { v[r][w] = _mm256_add_epi32(_mm256_srai_epi32(v[r][w], 2), bias); });
  });
  if (rows == 15) {
    finish(block, i, j, columns, v);
    return;
  }
  repeat<4>([&](auto r) OCTET_INLINE {
    __m256i one[1][kWide];
    repeat<kWide>([&](auto w) OCTET_INLINE { one[0][w] = v[r][w]; });
    if (rows >> r & 1) finish(block, i + r, j, columns, one);
  });
}

void finish_winograd(const Block& block, int64_t i, unsigned rows, const int32_t* sums, int64_t step) {
  for (int64_t j = 0; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    if (columns > kLanes) {
      finish_columns<2>(block, i, rows, sums, step, j, columns);
    } else {
      finish_columns<1>(block, i, rows, sums, step, j, columns);
    }
  }
}

void pack_row(const void* const* sources, int64_t runs, int64_t count, uint8_t flip, void* row) {
  int16_t* out = static_cast<int16_t*>(row);
  const __m128i mask = _mm_set1_epi8(static_cast<char>(flip));
  for (int64_t r = 0; r < runs; ++r, out += count) {
    const uint8_t* in = static_cast<const uint8_t*>(sources[r]);
    for (int64_t i = 0; i < count; i += 16) {
      const __m128i bytes = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i)), mask);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cvtepu8_epi16(bytes));
    }
  }
}

constexpr Winograd kWinograd = {transform_input, run_tiles<WordTile, kGroup, sizeof(int16_t)>, finish_winograd};

}  // namespace

const Kernel x86_avx2 = {kMostRows, kColumns, kLanes, kGroup, kGroup, InputForm::kUnsigned, 2, run_tiles<Tile, kGroup>, pack_row, nullptr,
                         false, &kWinograd};

}  // namespace octet::kernels::gemm_int8
