// attention_rows, sixteen at a time.
#pragma once

#include <bit>

#include "kernels/attention_rows/attention_rows.h"
#include "kernels/math.h"
#include "kernels/quantize_wide.h"

namespace octet::kernels::attention_rows {
namespace {

using simd::Wide;

// Multiplying by the inverse of a power of two is dividing by it.
inline Params without_division(Params p) {
  const uint32_t bits = std::bit_cast<uint32_t>(p.factor), exponent = bits >> 23 & 255;
  if (p.scaling == Scaling::kDivide && (bits & 0x7fffff) == 0 && exponent >= 2 && exponent <= 252) {
    p.scaling = Scaling::kMultiply;
    p.factor = 1.0f / p.factor;
  }
  return p;
}

constexpr int kAtOnce = 4;   // rows whose reductions run side by side

// Scales rows and exponentiates them in place; sets inverse[k] to 1 / Σ of row k.
template <int count, Scaling scaling>
OCTET_INLINE void exponentials(const Params& p, const float* addend, float* x, int64_t columns, int64_t x_stride, float* inverse) {
  const Wide factor(p.factor);
  auto scaled = [&](int k, int64_t i, auto n) {
    Wide v = simd::load_block(x + k * x_stride + i, n);
    if constexpr (scaling == Scaling::kMultiply) v = v * factor;
    if constexpr (scaling == Scaling::kDivide) v = v / factor;
    if (addend != nullptr) v = v + simd::load_block(addend + k * p.addend_stride + i, n);
    return v;
  };
  // A product is made again rather than stored; a quotient or a sum is not.
  const bool store = scaling == Scaling::kDivide || addend != nullptr;
  Wide most[count], m[count], sums[count];
  for (int k = 0; k < count; ++k) most[k] = Wide(-math::kInfinity), sums[k] = Wide(0.0f);
  simd::for_blocks(columns, [&](int64_t i, auto n) {
    for (int k = 0; k < count; ++k) {
      const Wide v = scaled(k, i, n);
      if (store) simd::store_block(v, x + k * x_stride + i, n);
      const Wide next = simd::max(v, most[k]);
      most[k] = n == 16 ? next : simd::select(simd::lanes_below(n), next, most[k]);
    }
  });
  for (int k = 0; k < count; ++k) m[k] = Wide(simd::reduce_max(most[k]) + 0.0f);
  simd::for_blocks(columns, [&](int64_t i, auto n) {
    for (int k = 0; k < count; ++k) {
      const Wide e = math::exp_not_positive((store ? simd::load_block(x + k * x_stride + i, n) : scaled(k, i, n)) - m[k]);
      simd::store_block(e, x + k * x_stride + i, n);
      sums[k] = sums[k] + (n == 16 ? e : simd::select(simd::lanes_below(n), e, Wide(0.0f)));
    }
  });
  for (int k = 0; k < count; ++k) inverse[k] = 1.0f / simd::reduce_add(sums[k]);
}

template <int count>
OCTET_INLINE void exponentials(const Params& p, int64_t r, float* x, int64_t columns, int64_t x_stride, float* inverse) {
  const float* addend = p.addend == nullptr ? nullptr : p.addend + r * p.addend_stride;
  switch (p.scaling) {
    case Scaling::kMultiply: return exponentials<count, Scaling::kMultiply>(p, addend, x, columns, x_stride, inverse);
    case Scaling::kDivide: return exponentials<count, Scaling::kDivide>(p, addend, x, columns, x_stride, inverse);
    default: return exponentials<count, Scaling::kNone>(p, addend, x, columns, x_stride, inverse);
  }
}

template <int count>
void some_floats(const Params& p, int64_t r, float* x, int64_t columns, int64_t x_stride) {
  float inverse[count];
  exponentials<count>(p, r, x, columns, x_stride, inverse);
  for (int k = 0; k < count; ++k) {
    float* row = x + k * x_stride;
    const Wide factor(inverse[k]);
    simd::for_blocks(columns, [&](int64_t i, auto n) { simd::store_block(simd::load_block(row + i, n) * factor, row + i, n); });
  }
}

void floats_wide(const Params& params, float* x, int64_t rows, int64_t columns, int64_t x_stride) {
  const Params p = without_division(params);
  int64_t r = 0;
  for (; r + kAtOnce <= rows; r += kAtOnce) some_floats<kAtOnce>(p, r, x + r * x_stride, columns, x_stride);
  for (; r < rows; ++r) some_floats<1>(p, r, x + r * x_stride, columns, x_stride);
}

OCTET_INLINE int32_t add_up(Wide::Int v) {
  alignas(64) int32_t lanes[16];
  v.store(lanes);
  int32_t sum = 0;
  for (int32_t lane : lanes) sum += lane;
  return sum;
}

template <int count>
void some_bytes(const Params& p, const Quantizer& quantize, int64_t r, float* x, uint8_t* y, int64_t columns, int64_t x_stride, int64_t y_stride, int32_t* sums) {
  float inverse[count];
  exponentials<count>(p, r, x, columns, x_stride, inverse);
  for (int k = 0; k < count; ++k) {
    const float* row = x + k * x_stride;
    uint8_t* out = y + k * y_stride;
    const Wide factor(inverse[k]);
    Wide::Int sum(0);
    auto finish = [&](int64_t i, auto n, Wide::Int byte) {
      simd::store_u8_block(byte, out + i, n);
      sum = sum + (n == 16 ? byte : simd::select(simd::lanes_below(n), byte, Wide::Int(0)));
    };
    // A NaN in the row makes all of it NaN; probabilities are never negative.
    if (inverse[k] == inverse[k] && quantize.quick) {
      simd::for_blocks(columns, [&](int64_t i, auto n) { finish(i, n, quantize.rounded(simd::load_block(row + i, n) * factor)); });
    } else {
      simd::for_blocks(columns, [&](int64_t i, auto n) { finish(i, n, quantize(simd::load_block(row + i, n) * factor)); });
    }
    if (sums != nullptr) sums[k] = add_up(sum);
  }
}

void bytes_wide(const Params& params, float* x, uint8_t* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride, int32_t* sums) {
  const Params p = without_division(params);
  const Quantizer quantize(p.scale, p.zero_point, p.low, p.high);
  int64_t r = 0;
  auto sums_of = [&](int64_t row) { return sums == nullptr ? nullptr : sums + row; };
  for (; r + kAtOnce <= rows; r += kAtOnce)
    some_bytes<kAtOnce>(p, quantize, r, x + r * x_stride, y + r * y_stride, columns, x_stride, y_stride, sums_of(r));
  for (; r < rows; ++r) some_bytes<1>(p, quantize, r, x + r * x_stride, y + r * y_stride, columns, x_stride, y_stride, sums_of(r));
}

constexpr Kernel kWide = {floats_wide, bytes_wide};

}  // namespace
}  // namespace octet::kernels::attention_rows
